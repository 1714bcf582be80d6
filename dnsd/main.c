#include <stdio.h>
#include "conf/conf.h"
int main(int argc, char **argv)
{
	struct err err = {0};
	struct conf *c = conf_load(argv[1], &err);
	printf("%s\n%s", err_text(&err), err.warnings ? err.warnings : "");
	if (c) printf("ok %u nodes %s %s\n", c->n_nodes, c->nodes[0].api, c->nodes[0].rtmp);
	conf_free(c);
	err_fini(&err);
	return !c;
}

# Completion of dnsd for bash, and for zsh by way of _dnsd beside this file: what both
# understand. tests/system/test_completion.py compares it with what dnsd --help says.

_dnsd_words()
{
	case $1 in
	dnsd) echo "run check init try lines srs ctl keys replay measure --help --version" ;;
	run) echo "--config --help" ;;
	check) echo "--config --from --json --schema --help" ;;
	init) echo "--zone --ns --node --geoip --output --help" ;;
	try) echo "--config --json --help" ;;
	lines) echo "--config --stream --format --help" ;;
	srs) echo "--config --help" ;;
	ctl) echo "--config --json --move --publishers --help status nodes drain undrain waiting approve
		remove registry refresh reload replace stop" ;;
	keys) echo "--config --algorithm --ds-at-parent --help generate list ds roll" ;;
	replay) echo "--config --workers --deal --stats --help" ;;
	measure) echo "--to --node --ports --every --token-file --print --help" ;;
	approve) echo "--role --at --address --capacity --bandwidth --site --provider" ;;
	registry) echo "seed adopt" ;;
	--role) echo "edge origin relay recorder" ;;
	--format) echo "json site_settings" ;;
	--deal) echo "resolver id" ;;
	--algorithm) echo "13 15" ;;
	esac
}

# The names of the running server's nodes, with the configuration that was given.
_dnsd_nodes()
{
	dnsd ctl ${1:+-c "$1"} nodes --json 2>/dev/null |
		sed -n 's/^  "name": "\([^"]*\)".*/\1/p'
}

# Servers that report and wait for approval.
_dnsd_waiting()
{
	dnsd ctl ${1:+-c "$1"} waiting 2>/dev/null | sed -n 's/ from .*, heard .*//p'
}

_dnsd_complete()
{
	local cur prev word command="" verb="" conf="" i=1
	cur=${COMP_WORDS[COMP_CWORD]}
	prev=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	while [ $i -lt $COMP_CWORD ]; do
		word=${COMP_WORDS[i]}
		case $word in
		-c | --config) i=$((i + 1)); conf=${COMP_WORDS[i]} ;;
		-*) ;;
		*) if [ -z "$command" ]; then command=$word
			elif [ -z "$verb" ]; then verb=$word; fi ;;
		esac
		i=$((i + 1))
	done
	case $prev in
	-c | --config | -o | --output | --geoip | --token-file)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--format | --deal | --role | --algorithm)
		COMPREPLY=($(compgen -W "$(_dnsd_words "$prev")" -- "$cur"))
		return ;;
	--from | --stream | --workers | --to | --node | --ports | --every | --zone | \
	--ns | --at | --address | --capacity | --bandwidth | --site | --provider)
		return ;;
	esac
	case $command:$verb in
	:) word=$(_dnsd_words dnsd) ;;
	srs:) word="$(_dnsd_nodes "$conf") $(_dnsd_words srs)" ;;
	ctl:drain | ctl:undrain | ctl:remove) word=$(_dnsd_nodes "$conf") ;;
	ctl:approve)
		word=$(_dnsd_words approve)
		[ "$prev" != approve ] || word=$(_dnsd_waiting "$conf") ;;
	ctl:registry) word=$(_dnsd_words registry) ;;
	ctl:status | ctl:nodes) word="--json" ;;
	ctl:refresh) word="--force" ;;
	ctl:replace) word="--if-new" ;;
	ctl:?*) return ;;
	*) word=$(_dnsd_words "$command") ;;
	esac
	COMPREPLY=($(compgen -W "$word" -- "$cur"))
}

complete -F _dnsd_complete dnsd

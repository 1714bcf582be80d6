/* sandbox.h - what a thread that reads strangers' octets may ask of the kernel
 * (seccomp(2), by libseccomp): what it needs to answer, and nothing that opens a file,
 * connects, or starts a program. An error in what reads packets is then worth less.
 *
 * It holds for the calling thread, for good. A system call that is not on the list
 * fails with EPERM, or, if strict, ends the process by SIGSYS: for tests, which so find
 * what is missing from the list. To open a file fails either way, for libc tries to.
 *
 * Not in programs with sanitizers, which ask the kernel for much.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

enum sandbox_mode { SANDBOX_OFF, SANDBOX_ON, SANDBOX_STRICT };

enum sandbox_thread {
	SANDBOX_UDP,  /* receives and sends on sockets that it has */
	SANDBOX_XDP,  /* asks the kernel to send what is in a ring */
	SANDBOX_TCP,  /* accepts as well */
	SANDBOX_HTTP, /* the same, by libevent and OpenSSL */
};

/* On the thread itself, when it has begun. A kernel that cannot do it is said in the
 * log, and the thread goes on without. */
void sandbox_enter(enum sandbox_thread thread, enum sandbox_mode mode);

#endif

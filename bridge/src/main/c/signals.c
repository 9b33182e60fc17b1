/*
 * Signals. No handler runs within a request: one that comes to its turn there is put off until the request is done. To block
 * all signals around each request would do the same, and cost as much as a third of it where qemu-user runs the program. So
 * the library takes over the functions by which a program installs handlers, and installs its own in their place, with the
 * same mask and flags: what is the kernel's work stays so.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "kvmdev.h"

/* How many different handlers a program can install, with as many combinations of flags. */
#define MOST_ACTIONS 4096u
/* The bytes of the kernel's set of signals, which is the beginning of libc's. */
#define SET_BYTES ((NSIG - 1) / 8)
/* What the library's handler is installed with, or without, whatever the program says. */
#define CHANGED_FLAGS (SA_SIGINFO | SA_RESETHAND)

typedef void (*handler)(int);

/* What a program has installed, never changed once it is there: a handler, and those of its flags that the kernel is not told. */
struct action {
	handler handler;
	int flags;
};

static void handle(int signal, siginfo_t *info, void *context);

__thread struct kvmdev_request *kvmdev_current __attribute__((tls_model("initial-exec")));

/* Guards what follows; the library's handler reads it all the same. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct action actions[MOST_ACTIONS];
static size_t count;
/* The action of each signal that has the library's handler. */
static const struct action *installed[NSIG];
/* Signals whose handlers signal installs without SA_RESTART. */
static sigset_t interrupting;
/* The process that this is of: one that was made by vfork shares this memory, but not what is installed. */
static pid_t owner;

void kvmdev_lock(pthread_mutex_t *mutex, sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
	pthread_mutex_lock(mutex);
}

void kvmdev_unlock(pthread_mutex_t *mutex, const sigset_t *before)
{
	pthread_mutex_unlock(mutex);
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

static int real_sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
	return KVMDEV_NEXT(sigaction, int (*)(int, const struct sigaction *, struct sigaction *))(signal, action, old);
}

/* Sends this thread a signal that it had, with all that it said. */
static void send_again(int signal, const siginfo_t *info)
{
	long (*call)(long, ...) = KVMDEV_NEXT(syscall, long (*)(long, ...));
	siginfo_t bare = {.si_signo = signal, .si_code = SI_USER};
	long thread = call(SYS_gettid);

	/* Where a user has too many signals waiting, the kernel too lets one come that says nothing. */
	if (call(SYS_rt_tgsigqueueinfo, getpid(), thread, signal, info) != 0 &&
	    call(SYS_rt_tgsigqueueinfo, getpid(), thread, signal, &bare) != 0)
		dprintf(STDERR_FILENO, "kvmdev: signal %d is lost: %s\n", signal, strerror(errno));
}

/* Within a request: the signal waits, and all others do, until the request lets them come. */
static void put_off(struct kvmdev_request *request, int signal, const siginfo_t *info, ucontext_t *context)
{
	sigset_t all;

	/* Several handlers can be interrupted by each other before this: the one that interrupted the request is the last. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	/* The wait has a mask of its own, the one that is known already. */
	if (!request->waits)
		memcpy(&request->blocked, &context->uc_sigmask, SET_BYTES);
	request->holds = true;
	memcpy(&context->uc_sigmask, &all, SET_BYTES);
	send_again(signal, info);
}

/* Takes a handler that is for one signal only out of its place; false where it is there no more. */
static bool take_out(int signal, const struct action *action)
{
	struct sigaction now;
	sigset_t before;
	bool there;

	kvmdev_lock(&lock, &before);
	real_sigaction(signal, NULL, &now);
	there = __atomic_load_n(&installed[signal], __ATOMIC_RELAXED) == action && (now.sa_flags & SA_SIGINFO) &&
		now.sa_sigaction == handle;
	if (there) {
		now.sa_handler = SIG_DFL;
		now.sa_flags = (now.sa_flags & ~CHANGED_FLAGS) | action->flags;
		real_sigaction(signal, &now, NULL);
	}
	kvmdev_unlock(&lock, &before);
	return there;
}

static void handle(int signal, siginfo_t *info, void *context)
{
	struct kvmdev_request *request = kvmdev_current;
	const struct action *action = __atomic_load_n(&installed[signal], __ATOMIC_ACQUIRE);
	int error = errno;

	if (request != NULL) {
		put_off(request, signal, info, context);
	} else if ((action->flags & SA_RESETHAND) && !take_out(signal, action)) {
		/* Another thread was first: this one's signal comes to what is there now. */
		send_again(signal, info);
	} else {
		errno = error;
		((void (*)(int, siginfo_t *, void *))(uintptr_t)action->handler)(signal, info, context);
		return;
	}
	errno = error;
}

void kvmdev_begin_request(struct kvmdev_request *request)
{
	kvmdev_current = request;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void kvmdev_end_request(struct kvmdev_request *request)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	kvmdev_current = NULL;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (request->holds) {
		request->holds = false;
		pthread_sigmask(SIG_SETMASK, &request->blocked, NULL);
	}
}

void kvmdev_hold_signals(struct kvmdev_request *request)
{
	sigset_t all;
	sigset_t before;

	if (request->holds)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* One that came before that holds them too, and knows better. */
	if (!request->holds)
		request->blocked = before;
	request->holds = true;
}

void kvmdev_own_signals(void)
{
	owner = getpid();
}

void kvmdev_lock_actions(void)
{
	pthread_mutex_lock(&lock);
}

void kvmdev_unlock_actions(void)
{
	pthread_mutex_unlock(&lock);
}

/* With the lock held: the action of a handler; NULL where there are too many. */
static const struct action *find_action(const struct sigaction *wanted)
{
	int flags = wanted->sa_flags & CHANGED_FLAGS;

	for (size_t i = 0; i < count; i++) {
		if (actions[i].handler == wanted->sa_handler && actions[i].flags == flags)
			return &actions[i];
	}
	if (count == MOST_ACTIONS)
		return NULL;
	actions[count] = (struct action){wanted->sa_handler, flags};
	return &actions[count++];
}

/* What the kernel said of a signal, as the program has said it. */
static void translate(const struct action *action, struct sigaction *old)
{
	if (old == NULL || !(old->sa_flags & SA_SIGINFO) || old->sa_sigaction != handle)
		return;
	old->sa_handler = action->handler;
	old->sa_flags = (old->sa_flags & ~CHANGED_FLAGS) | action->flags;
}

/* With the lock held. */
static int install(int signal, const struct sigaction *wanted, struct sigaction *old)
{
	const struct action *before = installed[signal];
	const struct action *action = find_action(wanted);
	struct sigaction own = *wanted;
	int result;

	if (action == NULL) {
		dprintf(STDERR_FILENO, "kvmdev: a program can install %u different handlers, not more\n", MOST_ACTIONS);
		errno = ENOMEM;
		return -1;
	}
	own.sa_sigaction = handle;
	own.sa_flags = (own.sa_flags & ~SA_RESETHAND) | SA_SIGINFO;
	__atomic_store_n(&installed[signal], action, __ATOMIC_RELEASE);
	result = real_sigaction(signal, &own, old);
	if (result != 0)
		__atomic_store_n(&installed[signal], before, __ATOMIC_RELEASE);
	else
		translate(before, old);
	return result;
}

/* What is no handler, the kernel is told as it is. */
static bool is_handler(const struct sigaction *action)
{
	return action != NULL && action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* Has the kernel do it, which answers with what the program has installed. */
static int pass_on(int signal, const struct sigaction *wanted, struct sigaction *old)
{
	int result = real_sigaction(signal, wanted, old);

	if (result == 0)
		translate(installed[signal], old);
	return result;
}

static int any_sigaction(int signal, const struct sigaction *wanted, struct sigaction *old)
{
	sigset_t before;
	int result;

	if (!kvmdev_enabled() || signal <= 0 || signal >= NSIG)
		return real_sigaction(signal, wanted, old);
	if (owner != getpid())
		return pass_on(signal, wanted, old);
	/* Looked for now, since the handler must not. */
	(void)KVMDEV_NEXT(syscall, long (*)(long, ...));
	kvmdev_lock(&lock, &before);
	result = (is_handler(wanted) ? install : pass_on)(signal, wanted, old);
	kvmdev_unlock(&lock, &before);
	return result;
}

PUBLIC int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
	return any_sigaction(signal, action, old);
}

PUBLIC int __sigaction(int signal, const struct sigaction *action, struct sigaction *old);
PUBLIC int __sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
	return any_sigaction(signal, action, old);
}

/* The older functions: within libc they do not call sigaction by its name. */

static handler install_by(int signal, handler wanted, int flags, bool blocks_itself)
{
	struct sigaction action = {.sa_handler = wanted, .sa_flags = flags};
	struct sigaction old;

	if (wanted == SIG_ERR || signal <= 0 || signal >= NSIG) {
		errno = EINVAL;
		return SIG_ERR;
	}
	if (blocks_itself)
		sigaddset(&action.sa_mask, signal);
	return any_sigaction(signal, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

static handler by_bsd(int signal, handler wanted)
{
	bool restarts = signal <= 0 || signal >= NSIG || sigismember(&interrupting, signal) != 1;

	return install_by(signal, wanted, restarts ? SA_RESTART : 0, true);
}

static handler by_system_v(int signal, handler wanted)
{
	return install_by(signal, wanted, SA_RESETHAND | SA_NODEFER, false);
}

#define OLD_FUNCTION(name, way)                                                                                       \
	PUBLIC handler name(int number, handler wanted);                                                              \
	PUBLIC handler name(int number, handler wanted)                                                               \
	{                                                                                                             \
		return way(number, wanted);                                                                           \
	}

OLD_FUNCTION(signal, by_bsd)
OLD_FUNCTION(bsd_signal, by_bsd)
OLD_FUNCTION(ssignal, by_bsd)
OLD_FUNCTION(sysv_signal, by_system_v)
OLD_FUNCTION(__sysv_signal, by_system_v)

PUBLIC int siginterrupt(int signal, int interrupts)
{
	struct sigaction action;

	if (any_sigaction(signal, NULL, &action) != 0)
		return -1;
	if (interrupts) {
		sigaddset(&interrupting, signal);
		action.sa_flags &= ~SA_RESTART;
	} else {
		sigdelset(&interrupting, signal);
		action.sa_flags |= SA_RESTART;
	}
	return any_sigaction(signal, &action, NULL);
}

/* System V's, which blocks and unblocks too; what was there before, or that the signal was blocked. */
PUBLIC handler sigset(int signal, handler wanted)
{
	struct sigaction action;
	sigset_t only;
	sigset_t before;
	handler old;

	sigemptyset(&only);
	if (wanted == SIG_ERR || sigaddset(&only, signal) != 0) {
		errno = EINVAL;
		return SIG_ERR;
	}
	if (wanted == SIG_HOLD)
		old = any_sigaction(signal, NULL, &action) == 0 ? action.sa_handler : SIG_ERR;
	else
		old = install_by(signal, wanted, 0, false);
	if (old == SIG_ERR || pthread_sigmask(wanted == SIG_HOLD ? SIG_BLOCK : SIG_UNBLOCK, &only, &before) != 0)
		return SIG_ERR;
	return sigismember(&before, signal) ? SIG_HOLD : old;
}

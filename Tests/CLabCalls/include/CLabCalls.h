// The Linux calls that the laboratory needs and that Glibc's Swift module leaves out, because they are GNU extensions.
#ifndef LAB_CALLS_H
#define LAB_CALLS_H

/// Moves the calling thread into a new network namespace (unshare(2)); zero, or -1 with errno set.
int lab_enter_new_network_namespace(void);

/// Moves the calling thread into the network namespace of an open file (setns(2)); zero, or -1 with errno set.
int lab_enter_network_namespace(int descriptor);

/// Keeps the calling thread on the processor that it runs on (sched_setaffinity(2)); zero, or -1 with errno set.
int lab_stay_on_this_processor(void);

/// An anonymous file that closes on exec (memfd_create(2)), or -1 with errno set.
int lab_anonymous_file(void);

/// The identity that the calling thread's new sockets and files belong to (setfsuid(2)), for `meta skuid`.
void lab_set_file_identity(unsigned int user);

#endif

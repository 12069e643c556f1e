#define _GNU_SOURCE
#include "CLabCalls.h"

#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mman.h>

int lab_enter_new_network_namespace(void) { return unshare(CLONE_NEWNET); }

int lab_enter_network_namespace(int descriptor) { return setns(descriptor, CLONE_NEWNET); }

int lab_stay_on_this_processor(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  return sched_setaffinity(0, sizeof set, &set);
}

int lab_anonymous_file(void) { return memfd_create("lab", MFD_CLOEXEC); }

void lab_set_file_identity(unsigned int user) { setfsuid(user); }

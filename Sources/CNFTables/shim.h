// The interface of libnftables as types only. Nothing is linked: the module map names no library, and the functions are looked up with
// dlsym(3) when they are first needed, so that the program starts on a machine without the library.
#pragma once
#include <nftables/libnftables.h>

typedef __typeof__(&nft_ctx_new) fwtrace_nft_ctx_new;
typedef __typeof__(&nft_ctx_free) fwtrace_nft_ctx_free;
typedef __typeof__(&nft_ctx_output_set_flags) fwtrace_nft_ctx_output_set_flags;
typedef __typeof__(&nft_ctx_buffer_output) fwtrace_nft_ctx_buffer_output;
typedef __typeof__(&nft_ctx_get_output_buffer) fwtrace_nft_ctx_get_output_buffer;
typedef __typeof__(&nft_ctx_buffer_error) fwtrace_nft_ctx_buffer_error;
typedef __typeof__(&nft_ctx_get_error_buffer) fwtrace_nft_ctx_get_error_buffer;
typedef __typeof__(&nft_run_cmd_from_buffer) fwtrace_nft_run_cmd_from_buffer;

// setns(2), which <sched.h> shows to GNU C only: the ruleset that the library reads is that of the thread's network namespace.
extern int setns(int fd, int nstype);
#define FWTRACE_CLONE_NEWNET 0x40000000

/**
 * The system calls of a command: what is in neither list answers ENOSYS, as an older kernel would, so that a libc takes
 * its other way. Names are those of libseccomp; it skips names that it is too old to know, and each processor takes those
 * that it has (the 32-bit ones serve 32-bit programs on a 64-bit kernel).
 *
 * Origin: the manual pages, `arch/{x86,arm64}` of Linux 6.12, and Docker's default profile (moby 28) as a lower bound
 * of what is refused. Beyond it these are refused: ptrace and reading the memory of others (no installation needs it),
 * io_uring (its operations pass by this filter), fanotify, the adjustment of clocks, memfd_secret, modify_ldt, and
 * `socketcall`, through which a 32-bit program opens sockets of any family unseen.
 */
export const allowedCalls: readonly string[] = listNames(`
  read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek
  open openat openat2 creat close close_range dup dup2 dup3 fcntl fcntl64 flock ioctl
  access faccessat faccessat2 stat stat64 lstat lstat64 fstat fstat64 newfstatat fstatat64 statx oldstat oldlstat oldfstat
  statfs statfs64 fstatfs fstatfs64 getcwd chdir fchdir chroot readlink readlinkat
  getdents getdents64 readdir mkdir mkdirat rmdir mknod mknodat
  link linkat symlink symlinkat unlink unlinkat rename renameat renameat2
  chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 lchown lchown32 fchownat umask
  truncate truncate64 ftruncate ftruncate64 fallocate utime utimes futimesat utimensat utimensat_time64
  fsync fdatasync sync syncfs sync_file_range sync_file_range2 arm_sync_file_range readahead
  fadvise64 fadvise64_64 arm_fadvise64_64 cachestat
  sendfile sendfile64 copy_file_range splice tee vmsplice pipe pipe2
  getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr listxattrat
  setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat name_to_handle_at
  select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64
  epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 epoll_ctl_old epoll_wait_old
  eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime timerfd_settime64 timerfd_gettime timerfd_gettime64
  inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
  io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64

  brk mmap mmap2 munmap mremap mprotect madvise mincore msync membarrier memfd_create map_shadow_stack mseal
  mlock mlock2 munlock mlockall munlockall pkey_alloc pkey_free pkey_mprotect remap_file_pages

  fork vfork execve execveat exit exit_group wait4 waitid waitpid
  getpid getppid gettid getpgid getpgrp setpgid getsid setsid getuid getuid32 geteuid geteuid32 getgid getgid32
  getegid getegid32 getresuid getresuid32 getresgid getresgid32 getgroups getgroups32
  setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32
  setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset prctl seccomp
  landlock_create_ruleset landlock_add_rule landlock_restrict_self
  getrlimit ugetrlimit setrlimit prlimit64 getrusage getpriority setpriority nice ioprio_get ioprio_set
  sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam
  sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min
  sched_rr_get_interval sched_rr_get_interval_time64 getcpu
  arch_prctl set_thread_area get_thread_area set_tid_address set_robust_list get_robust_list rseq
  set_tls get_tls cacheflush breakpoint restart_syscall
  futex futex_time64 futex_waitv futex_wake futex_wait futex_requeue

  kill tkill tgkill pidfd_open pidfd_send_signal process_mrelease pause alarm getitimer setitimer
  signal sigaction sigpending sigprocmask sigreturn sigsuspend sigaltstack
  rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
  rt_sigtimedwait_time64 rt_tgsigqueueinfo

  socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt
  send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64
  ipc msgget msgsnd msgrcv msgctl semget semop semtimedop semtimedop_time64 semctl shmget shmat shmdt shmctl
  mq_open mq_unlink mq_notify mq_getsetattr mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64

  time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep
  clock_nanosleep_time64 nanosleep times timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
  timer_settime timer_settime64 uname olduname oldolduname sysinfo getrandom
`);

/** What is known and refused with EPERM, whatever the capabilities. */
export const refusedCalls: readonly string[] = listNames(`
  unshare setns
  keyctl add_key request_key
  bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register fanotify_init fanotify_mark
  ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp
  mount umount umount2 pivot_root fsopen fsconfig fsmount fspick move_mount open_tree open_tree_attr mount_setattr
  statmount listmount swapon swapoff quotactl quotactl_fd acct
  open_by_handle_at lookup_dcookie
  kexec_load kexec_file_load init_module finit_module delete_module create_module reboot
  settimeofday stime clock_settime clock_settime64 adjtimex clock_adjtime clock_adjtime64
  sethostname setdomainname syslog vhangup iopl ioperm modify_ldt memfd_secret nfsservctl uselib
  mbind get_mempolicy set_mempolicy set_mempolicy_home_node migrate_pages move_pages
`);

/**
 * Address families of linux/socket.h: AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK. AF_VSOCK (40) opens in any network
 * namespace.
 */
export const allowedFamilies: readonly number[] = [1, 2, 10, 16];

/** AF_MAX of Linux 6.12. */
export const familyCount = 46;

/** Of linux/personality.h: PER_LINUX, PER_LINUX32, each with UNAME26, and the question which one it is. */
export const allowedPersonalities: readonly number[] = [0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** Of linux/sched.h: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
export const namespaceFlags = 0x7e020000;

function listNames(text: string): string[] {
  return text.trim().split(/\s+/);
}

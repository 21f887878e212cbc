;; WASI preview 1 for a plugin, answered within its component: it has no files, no network, no
;; arguments and no environment. What a program does with them fails with an error of WASI, which
;; languages report as they report any other. Everything is the same in each run:
;;
;;   clocks    begin at 0; each look is a microsecond later, and who waits has waited
;;   random    the same numbers in each run
;;   output    lines of stdout are logged as info, lines of stderr as errors, and those that follow the
;;             cause of a crash, its stack trace, as debug
;;   exit      a trap
(module
  (import "leadsman:plugin/log@0.1.0" "write" (func $log (param $level i32) (param $text i32) (param $length i32)))
  (import "env" "memory" (memory 0))

  ;; Errors: badf, a file that is not open; nosys, not in this system; notcapable, not allowed.
  ;; 8, 52, 76.

  ;; ---- Clocks ----
  ;; Nanoseconds since the program began. Not above $never, so that no program sees time go back.
  (global $now (mut i64) (i64.const 0))
  (global $never i64 (i64.const 0x3fffffffffffffff))

  (func $advance (param $by i64)
    (if (i64.gt_u (local.get $by) (i64.sub (global.get $never) (global.get $now)))
      (then (local.set $by (i64.sub (global.get $never) (global.get $now)))))
    (global.set $now (i64.add (global.get $now) (local.get $by))))

  (func (export "clock_res_get") (param $id i32) (param $to i32) (result i32)
    (i64.store align=1 (local.get $to) (i64.const 1000))
    (i32.const 0))
  ;; Each look is later, so that who looks until a time has come does not look for ever.
  (func (export "clock_time_get") (param $id i32) (param $precision i64) (param $to i32) (result i32)
    (call $advance (i64.const 1000))
    (i64.store align=1 (local.get $to) (global.get $now))
    (i32.const 0))
  (func (export "sched_yield") (result i32) (i32.const 0))

  ;; Nobody waits: each subscription to a clock has come, and the clock with it. Files never come.
  (func (export "poll_oneoff") (param $in i32) (param $out i32) (param $count i32) (param $events i32) (result i32)
    (local $left i32)
    (if (i32.eqz (local.get $count)) (then (return (i32.const 28)))) ;; inval
    (local.set $left (local.get $count))
    (loop $next
      (i64.store align=1 (local.get $out) (i64.load align=1 (local.get $in))) ;; userdata
      (i64.store offset=8 align=1 (local.get $out) (i64.const 0))
      (i64.store offset=16 align=1 (local.get $out) (i64.const 0))
      (i64.store offset=24 align=1 (local.get $out) (i64.const 0))
      (i32.store8 offset=10 (local.get $out) (i32.load8_u offset=8 (local.get $in)))
      (if (i32.load8_u offset=8 (local.get $in))
        (then (i32.store16 offset=8 align=1 (local.get $out) (i32.const 8))) ;; a file: badf
        (else
          (if (i32.and (i32.load16_u offset=40 align=1 (local.get $in)) (i32.const 1))
            (then ;; until a time
              (if (i64.gt_u (i64.load offset=24 align=1 (local.get $in)) (global.get $now))
                (then (call $advance
                  (i64.sub (i64.load offset=24 align=1 (local.get $in)) (global.get $now))))))
            (else (call $advance (i64.load offset=24 align=1 (local.get $in)))))))
      (local.set $in (i32.add (local.get $in) (i32.const 48)))
      (local.set $out (i32.add (local.get $out) (i32.const 32)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i32.store align=1 (local.get $events) (local.get $count))
    (i32.const 0))

  ;; ---- Random numbers: xorshift ----
  (global $seed (mut i64) (i64.const 0x2545f4914f6cdd1d))

  (func (export "random_get") (param $to i32) (param $length i32) (result i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $to) (local.get $length)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $to) (local.get $end)))
        (global.set $seed (i64.xor (global.get $seed) (i64.shl (global.get $seed) (i64.const 13))))
        (global.set $seed (i64.xor (global.get $seed) (i64.shr_u (global.get $seed) (i64.const 7))))
        (global.set $seed (i64.xor (global.get $seed) (i64.shl (global.get $seed) (i64.const 17))))
        (i64.store8 (local.get $to) (i64.shr_u (global.get $seed) (i64.const 32)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  ;; ---- Output ----
  ;; Programs write a line in pieces, and the log takes whole ones. A page of memory that is added at
  ;; the first write keeps one unfinished line of stdout at 0 and one of stderr at 4,096. A line without
  ;; its end is not logged before the program exits; what a line has beyond 4,096 bytes is cut off.
  (global $page (mut i32) (i32.const 0))
  (global $stdout (mut i32) (i32.const 0))
  (global $stderr (mut i32) (i32.const 0))
  ;; Whether there was a line of stderr at all.
  (global $told (mut i32) (i32.const 0))
  ;; Whether the cause of a crash was written to stderr.
  (global $crashed (mut i32) (i32.const 0))

  (func $has_page (result i32)
    (local $grown i32)
    (if (global.get $page) (then (return (i32.const 1))))
    (local.set $grown (memory.grow (i32.const 1)))
    (if (i32.eq (local.get $grown) (i32.const -1)) (then (return (i32.const 0))))
    (global.set $page (i32.shl (local.get $grown) (i32.const 16)))
    (i32.const 1))

  ;; Whether bytes are UTF-8, in which lines must be.
  (func $is_utf8 (param $at i32) (param $length i32) (result i32)
    (local $end i32) (local $byte i32) (local $more i32) (local $low i32) (local $high i32)
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $at) (local.get $end)))
        (local.set $byte (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (if (local.get $more)
          (then
            (if (i32.or (i32.lt_u (local.get $byte) (local.get $low)) (i32.gt_u (local.get $byte) (local.get $high)))
              (then (return (i32.const 0))))
            (local.set $low (i32.const 0x80))
            (local.set $high (i32.const 0xbf))
            (local.set $more (i32.sub (local.get $more) (i32.const 1)))
            (br $next)))
        (br_if $next (i32.lt_u (local.get $byte) (i32.const 0x80)))
        (if (i32.or (i32.lt_u (local.get $byte) (i32.const 0xc2)) (i32.gt_u (local.get $byte) (i32.const 0xf4)))
          (then (return (i32.const 0))))
        (local.set $more (i32.add (i32.const 1) (i32.add
          (i32.ge_u (local.get $byte) (i32.const 0xe0)) (i32.ge_u (local.get $byte) (i32.const 0xf0)))))
        ;; No longer form than needed, no surrogate, nothing beyond the last character.
        (local.set $low (i32.const 0x80))
        (local.set $high (i32.const 0xbf))
        (if (i32.eq (local.get $byte) (i32.const 0xe0)) (then (local.set $low (i32.const 0xa0))))
        (if (i32.eq (local.get $byte) (i32.const 0xed)) (then (local.set $high (i32.const 0x9f))))
        (if (i32.eq (local.get $byte) (i32.const 0xf0)) (then (local.set $low (i32.const 0x90))))
        (if (i32.eq (local.get $byte) (i32.const 0xf4)) (then (local.set $high (i32.const 0x8f))))
        (br $next)))
    (i32.eqz (local.get $more)))

  ;; Logs a line. Where it is not UTF-8, what is not ASCII is replaced.
  (func $line (param $level i32) (param $at i32) (param $length i32)
    (local $each i32) (local $end i32)
    (if (i32.eqz (local.get $length)) (then (return)))
    (block $is
      (br_if $is (call $is_utf8 (local.get $at) (local.get $length)))
      ;; A line that was cut off may have been cut within a character.
      (if (i32.eq (local.get $length) (i32.const 4096))
        (then
          (loop $shorter
            (local.set $length (i32.sub (local.get $length) (i32.const 1)))
            (br_if $is (call $is_utf8 (local.get $at) (local.get $length)))
            (br_if $shorter (i32.gt_u (local.get $length) (i32.const 4093))))))
      (local.set $each (local.get $at))
      (local.set $end (i32.add (local.get $at) (local.get $length)))
      (loop $next
        (if (i32.ge_u (i32.load8_u (local.get $each)) (i32.const 0x80))
          (then (i32.store8 (local.get $each) (i32.const 0x3f))))
        (local.set $each (i32.add (local.get $each) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $each) (local.get $end)))))
    (call $log (local.get $level) (local.get $at) (local.get $length)))

  ;; Logs a line of stderr. The adapter takes the last error for the reason of a trap, so that what
  ;; follows `panic…` or `fatal…`, with which Go and others begin, is of a lower level.
  (func $error_line (param $at i32) (param $length i32)
    (local $word i32)
    (global.set $told (i32.const 1))
    (call $line
      (select (i32.const 0) (i32.const 3) (global.get $crashed))
      (local.get $at) (local.get $length))
    (if (i32.lt_u (local.get $length) (i32.const 4)) (then (return)))
    (local.set $word (i32.load align=1 (local.get $at)))
    (if (i32.or
          (i32.eq (local.get $word) (i32.const 0x696e6170))  ;; pani
          (i32.eq (local.get $word) (i32.const 0x61746166))) ;; fata
      (then (global.set $crashed (i32.const 1)))))

  (func (export "fd_write") (param $fd i32) (param $pieces i32) (param $count i32) (param $written i32) (result i32)
    (local $total i32) (local $at i32) (local $end i32) (local $byte i32)
    (local $is_error i32) (local $line i32) (local $length i32)
    (if (i32.gt_u (i32.sub (local.get $fd) (i32.const 1)) (i32.const 1)) (then (return (i32.const 8))))
    (if (i32.eqz (call $has_page)) (then (return (i32.const 48)))) ;; nomem
    (local.set $is_error (i32.eq (local.get $fd) (i32.const 2)))
    (local.set $line (i32.add (global.get $page) (i32.shl (local.get $is_error) (i32.const 12))))
    (local.set $length (select (global.get $stderr) (global.get $stdout) (local.get $is_error)))
    (block $done
      (loop $piece
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $at (i32.load align=1 (local.get $pieces)))
        (local.set $end (i32.add (local.get $at) (i32.load offset=4 align=1 (local.get $pieces))))
        (local.set $total (i32.add (local.get $total) (i32.load offset=4 align=1 (local.get $pieces))))
        (block $over
          (loop $next
            (br_if $over (i32.eq (local.get $at) (local.get $end)))
            (local.set $byte (i32.load8_u (local.get $at)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (if (i32.eq (local.get $byte) (i32.const 10))
              (then
                (if (local.get $is_error)
                  (then (call $error_line (local.get $line) (local.get $length)))
                  (else (call $line (i32.const 1) (local.get $line) (local.get $length))))
                (local.set $length (i32.const 0)))
              (else
                (if (i32.lt_u (local.get $length) (i32.const 4096))
                  (then
                    (i32.store8 (i32.add (local.get $line) (local.get $length)) (local.get $byte))
                    (local.set $length (i32.add (local.get $length) (i32.const 1)))))))
            (br $next)))
        (local.set $pieces (i32.add (local.get $pieces) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $piece)))
    (if (local.get $is_error)
      (then (global.set $stderr (local.get $length)))
      (else (global.set $stdout (local.get $length))))
    (i32.store align=1 (local.get $written) (local.get $total))
    (i32.const 0))

  (func $end
    (call $line (i32.const 1) (global.get $page) (global.get $stdout))
    (if (global.get $stderr)
      (then (call $error_line (i32.add (global.get $page) (i32.const 4096)) (global.get $stderr))))
    ;; Who ends without a word is told of: "the program ended itself".
    (if (i32.and (i32.eqz (global.get $told)) (call $has_page))
      (then
        (i64.store (global.get $page) (i64.const 0x676f727020656874))
        (i64.store offset=8 (global.get $page) (i64.const 0x65646e65206d6172))
        (i64.store offset=16 (global.get $page) (i64.const 0x666c657374692064))
        (call $log (i32.const 3) (global.get $page) (i32.const 24))))
    (unreachable))
  (func (export "proc_exit") (param $status i32) (call $end))
  (func (export "proc_raise") (param $signal i32) (result i32) (call $end) (i32.const 52))

  ;; ---- Arguments and environment: none ----
  (func $none (param $count i32) (param $bytes i32) (result i32)
    (i32.store align=1 (local.get $count) (i32.const 0))
    (i32.store align=1 (local.get $bytes) (i32.const 0))
    (i32.const 0))
  (export "args_sizes_get" (func $none))
  (export "environ_sizes_get" (func $none))
  (func (export "args_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "environ_get") (param i32 i32) (result i32) (i32.const 0))

  ;; ---- Files: none is open ----
  (func (export "fd_advise") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_allocate") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_close") (param i32) (result i32) (i32.const 8))
  (func (export "fd_datasync") (param i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_times") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_renumber") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_sync") (param i32) (result i32) (i32.const 8))
  (func (export "fd_tell") (param i32 i32) (result i32) (i32.const 8))

  ;; ---- Paths: no folder is open ----
  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 76))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 76))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (i32.const 76))

  ;; ---- Sockets: there is no network ----
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "sock_recv") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "sock_send") (param i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "sock_shutdown") (param i32 i32) (result i32) (i32.const 52))
)

;; Checks the records of a leaf page of LMDB (layout: lmdb-page.ts; why in WebAssembly: leaf-check.ts).
;; A leaf is sound when each record is inside the page and has no overflow pages, keys are not empty and
;; ascend, and each row matches its seal (sealed-record.ts). The check in verify-tree.ts accepts every sound
;; leaf as well, and decides about all others.
(module
  ;; The tables of the checksum begin at 0, sixteen of 256 words; the pages to check begin at 65536.
  (memory (export "memory") 5)

  ;; Returns the CRC-32 of the bytes from $at to $end: sixteen bytes a step, then four, then one.
  (func $checksum (param $at i32) (param $end i32) (result i32)
    (local $crc i32) (local $a i32) (local $b i32) (local $c i32) (local $d i32)
    (local.set $crc (i32.const -1))
    (block $noStep
      (loop $step
        (br_if $noStep (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
        (local.set $a (i32.xor (i32.load (local.get $at)) (local.get $crc)))
        (local.set $b (i32.load offset=4 (local.get $at)))
        (local.set $c (i32.load offset=8 (local.get $at)))
        (local.set $d (i32.load offset=12 (local.get $at)))
        (local.set $crc
          (i32.xor
            (i32.xor
              (i32.xor
                (i32.xor
                  (i32.load offset=15360 (i32.shl (i32.and (local.get $a) (i32.const 0xff)) (i32.const 2)))
                  (i32.load offset=14336 (i32.and (i32.shr_u (local.get $a) (i32.const 6)) (i32.const 0x3fc))))
                (i32.xor
                  (i32.load offset=13312 (i32.and (i32.shr_u (local.get $a) (i32.const 14)) (i32.const 0x3fc)))
                  (i32.load offset=12288 (i32.and (i32.shr_u (local.get $a) (i32.const 22)) (i32.const 0x3fc)))))
              (i32.xor
                (i32.xor
                  (i32.load offset=11264 (i32.shl (i32.and (local.get $b) (i32.const 0xff)) (i32.const 2)))
                  (i32.load offset=10240 (i32.and (i32.shr_u (local.get $b) (i32.const 6)) (i32.const 0x3fc))))
                (i32.xor
                  (i32.load offset=9216 (i32.and (i32.shr_u (local.get $b) (i32.const 14)) (i32.const 0x3fc)))
                  (i32.load offset=8192 (i32.and (i32.shr_u (local.get $b) (i32.const 22)) (i32.const 0x3fc))))))
            (i32.xor
              (i32.xor
                (i32.xor
                  (i32.load offset=7168 (i32.shl (i32.and (local.get $c) (i32.const 0xff)) (i32.const 2)))
                  (i32.load offset=6144 (i32.and (i32.shr_u (local.get $c) (i32.const 6)) (i32.const 0x3fc))))
                (i32.xor
                  (i32.load offset=5120 (i32.and (i32.shr_u (local.get $c) (i32.const 14)) (i32.const 0x3fc)))
                  (i32.load offset=4096 (i32.and (i32.shr_u (local.get $c) (i32.const 22)) (i32.const 0x3fc)))))
              (i32.xor
                (i32.xor
                  (i32.load offset=3072 (i32.shl (i32.and (local.get $d) (i32.const 0xff)) (i32.const 2)))
                  (i32.load offset=2048 (i32.and (i32.shr_u (local.get $d) (i32.const 6)) (i32.const 0x3fc))))
                (i32.xor
                  (i32.load offset=1024 (i32.and (i32.shr_u (local.get $d) (i32.const 14)) (i32.const 0x3fc)))
                  (i32.load (i32.and (i32.shr_u (local.get $d) (i32.const 22)) (i32.const 0x3fc))))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $step)))
    (block $noWord
      (loop $word
        (br_if $noWord (i32.gt_u (i32.add (local.get $at) (i32.const 4)) (local.get $end)))
        (local.set $a (i32.xor (i32.load (local.get $at)) (local.get $crc)))
        (local.set $crc
          (i32.xor
            (i32.xor
              (i32.load offset=3072 (i32.shl (i32.and (local.get $a) (i32.const 0xff)) (i32.const 2)))
              (i32.load offset=2048 (i32.and (i32.shr_u (local.get $a) (i32.const 6)) (i32.const 0x3fc))))
            (i32.xor
              (i32.load offset=1024 (i32.and (i32.shr_u (local.get $a) (i32.const 14)) (i32.const 0x3fc)))
              (i32.load (i32.and (i32.shr_u (local.get $a) (i32.const 22)) (i32.const 0x3fc))))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $word)))
    (block $noByte
      (loop $byte
        (br_if $noByte (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $crc
          (i32.xor
            (i32.shr_u (local.get $crc) (i32.const 8))
            (i32.load
              (i32.shl
                (i32.and (i32.xor (local.get $crc) (i32.load8_u (local.get $at))) (i32.const 0xff))
                (i32.const 2)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $byte)))
    (i32.xor (local.get $crc) (i32.const -1)))

  ;; Returns whether the first key is before the second: by bytes, a key before those that it is a prefix of.
  (func $isBefore
    (param $at i32) (param $end i32) (param $otherAt i32) (param $otherEnd i32) (result i32)
    (local $byte i32) (local $otherByte i32)
    (block $differs
      (loop $next
        (if (i32.ge_u (local.get $otherAt) (local.get $otherEnd)) (then (return (i32.const 0))))
        (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (i32.const 1))))
        (local.set $byte (i32.load8_u (local.get $at)))
        (local.set $otherByte (i32.load8_u (local.get $otherAt)))
        (br_if $differs (i32.ne (local.get $byte) (local.get $otherByte)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $otherAt (i32.add (local.get $otherAt) (i32.const 1)))
        (br $next)))
    (i32.lt_u (local.get $byte) (local.get $otherByte)))

  ;; Returns 1 when the records of the page at $page, whose header was checked, are sound, and 0 otherwise.
  (func (export "areSound") (param $page i32) (param $pageBytes i32) (result i32)
    (local $base i32) (local $pageEnd i32) (local $pointer i32) (local $pointersEnd i32)
    (local $offset i32) (local $record i32) (local $valueBytes i32)
    (local $key i32) (local $keyEnd i32) (local $lastKey i32) (local $lastKeyEnd i32)
    (local $seal i32) (local $stored i32)
    ;; Offsets of records are after the header, and count from there.
    (local.set $base (i32.add (local.get $page) (i32.const 24)))
    (local.set $pageEnd (i32.add (local.get $page) (local.get $pageBytes)))
    (local.set $pointer (local.get $base))
    (local.set $pointersEnd (i32.add (local.get $base) (i32.load16_u offset=20 (local.get $page))))
    (block $all
      (loop $next
        (br_if $all (i32.ge_u (local.get $pointer) (local.get $pointersEnd)))
        (local.set $offset (i32.load16_u (local.get $pointer)))
        (local.set $record (i32.add (local.get $base) (local.get $offset)))
        ;; The record is not before the first one, and its head is on the page.
        (if (i32.lt_u (local.get $offset) (i32.load16_u offset=22 (local.get $page)))
          (then (return (i32.const 0))))
        (local.set $key (i32.add (local.get $record) (i32.const 8)))
        (if (i32.gt_u (local.get $key) (local.get $pageEnd)) (then (return (i32.const 0))))
        ;; The data is on the page.
        (if (i32.load16_u offset=4 (local.get $record)) (then (return (i32.const 0))))
        (local.set $keyEnd (i32.add (local.get $key) (i32.load16_u offset=6 (local.get $record))))
        (local.set $valueBytes (i32.load (local.get $record)))
        ;; No sum overflows: a key's length has 16 bits, a value is on the page. A value ends with its seal.
        (if (i32.gt_u (local.get $valueBytes) (local.get $pageBytes)) (then (return (i32.const 0))))
        (if (i32.lt_u (local.get $valueBytes) (i32.const 4)) (then (return (i32.const 0))))
        (local.set $seal
          (i32.sub (i32.add (local.get $keyEnd) (local.get $valueBytes)) (i32.const 4)))
        (if (i32.gt_u (i32.add (local.get $seal) (i32.const 4)) (local.get $pageEnd))
          (then (return (i32.const 0))))
        (if (i32.eq (local.get $key) (local.get $keyEnd)) (then (return (i32.const 0))))
        (if (local.get $lastKey)
          (then
            (if
              (i32.eqz
                (call $isBefore
                  (local.get $lastKey) (local.get $lastKeyEnd) (local.get $key) (local.get $keyEnd)))
              (then (return (i32.const 0))))))
        (local.set $lastKey (local.get $key))
        (local.set $lastKeyEnd (local.get $keyEnd))
        ;; The seal is big-endian.
        (local.set $stored
          (i32.or
            (i32.or
              (i32.shl (i32.load8_u (local.get $seal)) (i32.const 24))
              (i32.shl (i32.load8_u offset=1 (local.get $seal)) (i32.const 16)))
            (i32.or
              (i32.shl (i32.load8_u offset=2 (local.get $seal)) (i32.const 8))
              (i32.load8_u offset=3 (local.get $seal)))))
        (if (i32.ne (call $checksum (local.get $key) (local.get $seal)) (local.get $stored))
          (then (return (i32.const 0))))
        (local.set $pointer (i32.add (local.get $pointer) (i32.const 2)))
        (br $next)))
    (i32.const 1)))

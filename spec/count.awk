# count.awk: adds up the tests in logs of cmocka and busted
#
# The last line is "N passed, N failed, N skipped". A log without a test is a
# failure, and so is broken=1, which says that a suite failed, if no test did.
#
# usage: awk -v broken=0 -f count.awk LOG...

# cmocka: "[  PASSED  ] 5 test(s)."; busted: "5 successes / 0 failures / ..."
/^\[  PASSED  \] [0-9]+ test/ { passed += $4; ran[FILENAME] = 1 }
/^\[  FAILED  \] [0-9]+ test/ { failed += $4; ran[FILENAME] = 1 }
/^\[  SKIPPED \] [0-9]+ test/ { skipped += $4 }
/^[0-9]+ success/ {
  passed += $1; failed += $4 + $7; skipped += $10; ran[FILENAME] = 1
}

END {
  for (i = 1; i < ARGC; i++)
    if (!(ARGV[i] in ran)) { printf "%s ran no test\n", ARGV[i]; failed++ }
  if (broken && failed == 0) {  # a suite that died before it could count
    print "a suite failed without a failed test"
    failed++
  }
  printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped
  exit failed > 0
}

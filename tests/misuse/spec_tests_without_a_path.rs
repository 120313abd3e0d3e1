spanspec::spec_tests!();

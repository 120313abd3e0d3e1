//! The specs of this repository against the shop, each as a test.

spanspec::spec_tests!("specs");

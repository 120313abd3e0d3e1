spanspec::spec_test! { "specs/place-order.yaml" }

fn main() {}

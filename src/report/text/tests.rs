use super::super::sample;
use super::*;

#[test]
fn look_at_it() {
    for w in [60, 80, 120] {
        let look = Look::plain().with_width(w);
        println!("{}", "-".repeat(w));
        for s in &sample::report().specs {
            print!("{}", spec(s, &look, Detail::Normal));
        }
        print!("{}", summary(&sample::report(), &look, Detail::Normal));
    }
}

//! Lists that nobody reads to the end.

use crate::words::t;

/// The first `most` of `all`, in `words`, and how many more there are.
pub fn few<T>(all: &[T], most: usize, words: impl Fn(&T) -> String) -> Vec<String> {
    let mut said: Vec<String> = all.iter().take(most).map(words).collect();
    if let Some(more) = all.len().checked_sub(most).filter(|more| *more > 0) {
        said.push(t!("console.and_more", n = more).into_owned());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        let said = |most| few(&[1, 2, 3], most, |n: &i32| n.to_string()).join(", ");
        assert_eq!(said(3), "1, 2, 3");
        assert_eq!(said(1), "1, … and 2 more");
    }
}

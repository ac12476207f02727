//! How long a session at work had to wait: pure.
//!
//! A worker sends a command, and the next one a fixed pace after the acknowledgement of the one before. The **pause**
//! between two acknowledgements is what lies between them beyond that pace; nothing in the way, it is the latency of one
//! command. A session's pause is the longest of its own.

use std::time::Duration;

/// The longest pause between acknowledgements at these times, in order; none when there are not two.
pub fn longest(acknowledged: &[Duration], pace: Duration) -> Option<Duration> {
    acknowledged.windows(2).map(|pair| pair[1].saturating_sub(pair[0]).saturating_sub(pace)).max()
}

/// The same for what happened while something was going on: from the last acknowledgement before `from` to the first one
/// after `to`, so that a pause which began or ended outside counts whole.
pub fn longest_during(acknowledged: &[Duration], pace: Duration, from: Duration, to: Duration) -> Option<Duration> {
    let first = acknowledged.partition_point(|at| *at <= from).saturating_sub(1);
    let after = acknowledged.partition_point(|at| *at < to);
    longest(acknowledged.get(first..(after + 1).min(acknowledged.len()))?, pace)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Duration = Duration::from_millis(100);

    fn at(millis: &[u64]) -> Vec<Duration> {
        millis.iter().copied().map(Duration::from_millis).collect()
    }

    fn millis(pause: Option<Duration>) -> Option<u128> {
        pause.map(|pause| pause.as_millis())
    }

    #[test]
    fn a_pause_is_what_lies_between_two_acknowledgements_beyond_the_pace() {
        assert_eq!(millis(longest(&at(&[0, 103, 450, 560]), PACE)), Some(247));
        assert_eq!(millis(longest(&at(&[0, 90]), PACE)), Some(0), "a timer that was early is no pause");
        assert_eq!(millis(longest(&at(&[5]), PACE)), None);
        assert_eq!(millis(longest(&[], PACE)), None);
    }

    #[test]
    fn a_pause_across_the_edge_counts_whole() {
        let acknowledged = at(&[0, 105, 400, 505, 1_000, 1_105, 1_900]);
        let during = |from, to| {
            millis(longest_during(&acknowledged, PACE, Duration::from_millis(from), Duration::from_millis(to)))
        };
        assert_eq!(during(200, 450), Some(195), "it began before");
        assert_eq!(during(510, 800), Some(395), "it ended after");
        assert_eq!(during(0, 2_000), Some(695));
        assert_eq!(during(2_000, 3_000), None, "nothing was acknowledged any more");
    }
}

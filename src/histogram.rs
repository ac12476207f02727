//! Latencies counted in a table of fixed size, whatever their number: for the summaries of `simulate` and `bench`.

use std::time::Duration;

/// Buckets of each power of two: a percentile is at most 1/32, 3 %, too high.
const STEPS: u64 = 32;
const STEPS_LOG2: u32 = STEPS.ilog2();
/// Everything from here on, 71 minutes, counts as this.
const LARGEST_US: u64 = u32::MAX as u64;
const BUCKETS: usize = index(LARGEST_US) + 1;

/// How many latencies fell into which bucket; 7 KB.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Box<[u64]>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS].into(), count: 0 }
    }
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LARGEST_US).min(LARGEST_US);
        if let Some(count) = self.counts.get_mut(index(micros)) {
            *count += 1;
            self.count += 1;
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds those of another.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.count += other.count;
    }

    /// The latency that `percent` of all do not exceed; none when there are none.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        // At least this many are not above it.
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Duration::from_micros(upper_end(bucket as u64)))
    }
}

/// Values below [`STEPS`] have a bucket each; above, every power of two is divided into that many.
const fn index(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let shift = micros.ilog2() - STEPS_LOG2;
    (STEPS * shift as u64 + (micros >> shift)) as usize
}

/// The largest value of a bucket.
const fn upper_end(bucket: u64) -> u64 {
    if bucket < STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    ((bucket - STEPS * shift + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_the_bucket_that_ends_at_or_just_above_it() {
        for micros in (0..100_000).chain([1 << 20, (1 << 20) - 1, 123_456_789, LARGEST_US]) {
            let end = upper_end(index(micros) as u64);
            assert!(end >= micros && end - micros <= micros / STEPS, "{micros} in the bucket that ends at {end}");
            assert!(index(micros) < BUCKETS);
        }
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_values() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(50), None);
        for millis in 1..=100 {
            histogram.record(Duration::from_millis(millis));
        }
        for (percent, millis) in [(0, 1), (1, 1), (50, 50), (99, 99), (100, 100)] {
            let found = histogram.percentile(percent).expect("there are some");
            let exact = Duration::from_millis(millis);
            assert!(found >= exact && found <= exact.mul_f64(1.04), "p{percent}: {found:?}");
        }
    }

    #[test]
    fn what_is_too_long_counts_as_the_longest() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::MAX);
        assert_eq!(histogram.percentile(99), Some(Duration::from_micros(LARGEST_US)));
    }

    #[test]
    fn two_added_are_as_one() {
        let (mut one, mut other) = (Histogram::default(), Histogram::default());
        one.record(Duration::from_millis(1));
        other.record(Duration::from_millis(9));
        one.add(&other);
        assert_eq!(one.count(), 2);
        assert!(one.percentile(99) > one.percentile(50));
    }
}

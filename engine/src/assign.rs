//! Which node a partition should have: rendezvous hashing over the live nodes. Every node that sees the same nodes comes
//! to the same answer, and a node that comes or goes moves its own share and nothing else. Pure.

use bus_schemas::Partition;
use xxhash_rust::xxh3::xxh3_64;

/// The node among these whose weight for the partition is highest; none among none.
pub fn assigned<'a>(partition: Partition, nodes: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Equal weights are next to impossible; the id decides, so that all come to the same answer even then.
    nodes.into_iter().max_by_key(|node| (weight(partition, node), *node))
}

fn weight(partition: Partition, node: &str) -> u64 {
    let mut bytes = Vec::with_capacity(node.len() + 4);
    bytes.extend_from_slice(node.as_bytes());
    // A byte that no node id has.
    bytes.push(0);
    bytes.extend_from_slice(partition.to_string().as_bytes());
    xxh3_64(&bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn shares(nodes: &[&str]) -> BTreeMap<String, usize> {
        let mut shares = BTreeMap::new();
        for partition in Partition::all() {
            *shares.entry(assigned(partition, nodes.iter().copied()).unwrap().to_owned()).or_default() += 1;
        }
        shares
    }

    #[test]
    fn shares_are_about_equal_and_the_order_does_not_matter() {
        let nodes = ["a-0f3c9a11", "b-77aa0012", "c-5e0b4417", "d-12f0ce90"];
        let of = shares(&nodes);
        assert!(of.values().all(|share| (40..=90).contains(share)), "{of:?}");
        assert_eq!(shares(&["d-12f0ce90", "b-77aa0012", "a-0f3c9a11", "c-5e0b4417"]), of);
        assert_eq!(assigned(Partition::new(0), []), None);
    }

    #[test]
    fn a_node_that_goes_moves_its_own_share_and_nothing_else() {
        let (three, two) = (["a-1", "b-2", "c-3"], ["a-1", "c-3"]);
        for partition in Partition::all() {
            let before = assigned(partition, three).unwrap();
            if before != "b-2" {
                assert_eq!(assigned(partition, two), Some(before));
            }
        }
    }
}

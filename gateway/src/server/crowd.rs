//! How many connections each address has.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parking_lot::Mutex;

/// Connections of one address: a hall of tablets behind one, or a proxy.
const OF_ADDRESS_MAX: usize = 8_192;

/// Connections by address. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Crowd(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl Crowd {
    /// A place for a connection; none when its address has too many.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let mut addresses = self.0.lock();
        let count = addresses.entry(address).or_default();
        if *count >= OF_ADDRESS_MAX {
            return None;
        }
        *count += 1;
        Some(Place { crowd: self.clone(), address })
    }
}

/// A connection's place, until it is dropped.
pub(super) struct Place {
    crowd: Crowd,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut addresses = self.crowd.0.lock();
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_so_many_connections_and_no_more() {
        let crowd = Crowd::default();
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let mut places: Vec<_> = (0..OF_ADDRESS_MAX).map(|_| crowd.enter(one).unwrap()).collect();
        assert!(crowd.enter(one).is_none());
        assert!(crowd.enter(other).is_some());
        places.pop();
        places.push(crowd.enter(one).unwrap());
        drop(places);
        assert!(crowd.0.lock().is_empty());
    }
}

//! Who is in the picture, sample by sample.

use std::collections::VecDeque;

/// Identity of an object, as upstream gives it.
pub type ObjectId = i32;

/// What a sample brought about.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Objects that are followed from this sample on.
    pub joined: Vec<ObjectId>,
    /// Objects that are not followed any more: unseen for a whole window, or to make room.
    pub gone: Vec<ObjectId>,
    /// How many of those had to make room.
    pub evicted: u64,
    /// How many objects that are in the picture found no room, and are seen for the first time without it.
    pub refused: u64,
}

/// The objects that are followed, at most so many at a time.
///
/// An object has a window when it is in the picture in at least half of the samples that were taken for it. Where there
/// is no room for a new one, the object that was unseen for longest makes room; one that is in the picture never does.
#[derive(Debug)]
pub struct Presence {
    most: usize,
    frames: usize,
    objects: Vec<Followed>,
    /// Objects in the picture that found no room at the last sample.
    waiting: Vec<ObjectId>,
}

#[derive(Debug)]
struct Followed {
    id: ObjectId,
    /// Whether it was in the picture in each of the last samples, no more than a window has; newest last.
    seen: VecDeque<bool>,
}

impl Followed {
    /// Samples since it was seen.
    fn unseen(&self) -> usize {
        self.seen.iter().rev().take_while(|&&seen| !seen).count()
    }
}

impl Presence {
    /// Room for `most` objects, and windows of `frames` samples.
    #[must_use]
    pub fn new(most: usize, frames: usize) -> Self {
        Self { most, frames, objects: Vec::new(), waiting: Vec::new() }
    }

    /// Takes the next sample, with these objects in the picture.
    pub fn sample(&mut self, visible: &[ObjectId]) -> Seen {
        let mut found = Seen::default();
        for object in &mut self.objects {
            if object.seen.len() == self.frames {
                object.seen.pop_front();
            }
            object.seen.push_back(visible.contains(&object.id));
        }
        self.objects.retain(|object| {
            let stays = object.seen.contains(&true);
            if !stays {
                found.gone.push(object.id);
            }
            stays
        });
        let before = std::mem::take(&mut self.waiting);
        for &id in visible {
            if self.follows(id) || self.waiting.contains(&id) {
                continue;
            }
            if self.objects.len() >= self.most
                && let Some(gone) = self.make_room()
            {
                found.gone.push(gone);
                found.evicted += 1;
            }
            if self.objects.len() < self.most {
                self.objects.push(Followed { id, seen: VecDeque::from([true]) });
                found.joined.push(id);
            } else {
                found.refused += u64::from(!before.contains(&id));
                self.waiting.push(id);
            }
        }
        found
    }

    /// Whether an object is followed.
    #[must_use]
    pub fn follows(&self, id: ObjectId) -> bool {
        self.objects.iter().any(|object| object.id == id)
    }

    fn make_room(&mut self) -> Option<ObjectId> {
        let longest = (0..self.objects.len()).max_by_key(|&at| self.objects[at].unseen())?;
        (self.objects[longest].unseen() > 0).then(|| self.objects.remove(longest).id)
    }

    /// The objects that have a window over the last `taken` samples, in the order in which they came.
    pub fn in_window(&self, taken: usize) -> impl Iterator<Item = ObjectId> + '_ {
        let half = taken.div_ceil(2);
        let there = move |object: &&Followed| {
            object.seen.iter().rev().take(taken).filter(|&&seen| seen).count() >= half
        };
        self.objects.iter().filter(there).map(|object| object.id)
    }

    /// Forgets all objects, and says which were followed.
    pub fn clear(&mut self) -> Vec<ObjectId> {
        self.waiting.clear();
        self.objects.drain(..).map(|object| object.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn windows(presence: &Presence) -> Vec<ObjectId> {
        presence.in_window(4).collect()
    }

    #[test]
    fn an_object_has_windows_while_it_is_in_half_of_their_samples() {
        let mut presence = Presence::new(4, 4);
        assert_eq!(presence.sample(&[7]).joined, [7]);
        assert_eq!(windows(&presence), [] as [ObjectId; 0]);
        presence.sample(&[]);
        presence.sample(&[7, 9]);
        assert_eq!(windows(&presence), [7]);
        presence.sample(&[9]);
        assert_eq!(windows(&presence), [7, 9]);
        presence.sample(&[]);
        assert_eq!(windows(&presence), [9]);
    }

    #[test]
    fn half_of_the_samples_that_were_taken_is_enough() {
        let mut presence = Presence::new(4, 4);
        presence.sample(&[7]);
        assert_eq!(presence.in_window(1).collect::<Vec<_>>(), [7]);
        presence.sample(&[9]);
        assert_eq!(presence.in_window(2).collect::<Vec<_>>(), [7, 9]);
        assert_eq!(presence.in_window(1).collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn an_object_that_is_unseen_for_a_window_is_gone_and_comes_back_as_a_new_one() {
        let mut presence = Presence::new(4, 3);
        presence.sample(&[7]);
        assert!((0..2).all(|_| presence.sample(&[]) == Seen::default()));
        assert_eq!(presence.sample(&[]).gone, [7]);
        assert_eq!(presence.sample(&[7]).joined, [7]);
    }

    #[test]
    fn the_longest_unseen_makes_room_and_none_that_is_seen() {
        let mut presence = Presence::new(2, 4);
        presence.sample(&[1, 2]);
        presence.sample(&[2]);
        presence.sample(&[]);
        let seen = presence.sample(&[3]);
        assert_eq!((seen.joined, seen.gone, seen.evicted), (vec![3], vec![1], 1));
        let seen = presence.sample(&[2, 3, 4]);
        assert_eq!((seen.joined.len(), seen.refused), (0, 1));
        assert_eq!(presence.sample(&[2, 3, 4]).refused, 0, "counted once");
        assert_eq!(presence.clear(), [2, 3]);
    }

    #[test]
    fn an_object_that_is_marked_twice_is_one() {
        let mut presence = Presence::new(1, 4);
        assert_eq!(presence.sample(&[5, 5, 6, 6]), Seen { joined: vec![5], refused: 1, ..Seen::default() });
    }

    proptest! {
        #[test]
        fn there_is_never_more_than_room_for_and_all_who_joined_go_once(
            most in 0usize..5,
            frames in 1usize..6,
            samples in prop::collection::vec(prop::collection::vec(0i32..9, 0..7), 0..60),
        ) {
            let mut presence = Presence::new(most, frames);
            let mut followed: Vec<ObjectId> = Vec::new();
            for visible in samples {
                let seen = presence.sample(&visible);
                for gone in seen.gone {
                    let at = followed.iter().position(|&id| id == gone);
                    prop_assert!(at.is_some(), "{gone} was not followed");
                    followed.remove(at.unwrap());
                }
                followed.extend(seen.joined);
                prop_assert!(followed.len() <= most);
                prop_assert!(presence.in_window(frames).all(|id| followed.contains(&id)));
            }
            prop_assert_eq!(presence.clear(), followed);
        }
    }
}

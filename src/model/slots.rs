//! Tensors that samples are written into, again and again.

use std::{collections::VecDeque, sync::Arc};

use super::{SampleWriter, Tensor};

/// Writes samples into tensors that nobody holds any more. There are as many as were held at a time.
#[derive(Debug)]
pub struct Slots {
    writer: SampleWriter,
    /// In the order of their last use: those at the front are the first that nobody holds.
    tensors: VecDeque<Arc<Tensor>>,
}

impl Slots {
    /// None yet, for the samples of a writer.
    #[must_use]
    pub fn new(writer: SampleWriter) -> Self {
        Self { writer, tensors: VecDeque::new() }
    }

    /// The sample of a picture, as [`SampleWriter::frame`] makes it.
    pub fn sample(&mut self, pixels: &[u8], stride: usize) -> Arc<Tensor> {
        let free = self.tensors.iter_mut().position(|tensor| Arc::get_mut(tensor).is_some());
        let mut slot =
            free.and_then(|at| self.tensors.remove(at)).unwrap_or_else(|| Arc::new(self.writer.empty()));
        if let Some(tensor) = Arc::get_mut(&mut slot) {
            self.writer.write(pixels, stride, tensor);
        }
        self.tensors.push_back(Arc::clone(&slot));
        slot
    }

    /// Lets go of all tensors.
    pub fn clear(&mut self) {
        self.tensors.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Color, Data, Dtype, InputSpec, Layout, Resize};

    fn slots() -> Slots {
        Slots::new(SampleWriter::new(&InputSpec {
            frames: 2,
            fps: 10.0,
            hop: 1,
            width: 2,
            height: 1,
            color: Color::Gray,
            resize: Resize::Stretch,
            layout: Layout::parse("NTHWC").unwrap(),
            dtype: Dtype::Uint8,
            normalize: None,
            name: None,
        }))
    }

    fn address(sample: &Arc<Tensor>) -> *const Tensor {
        Arc::as_ptr(sample)
    }

    #[test]
    fn a_sample_that_is_held_keeps_its_values_and_its_memory_is_used_again_afterwards() {
        let mut slots = slots();
        let first = slots.sample(&[1, 2], 2);
        let second = slots.sample(&[3, 4], 2);
        assert_eq!((&first.data, &second.data), (&Data::U8(vec![1, 2]), &Data::U8(vec![3, 4])));
        let place = address(&first);
        drop(first);
        let third = slots.sample(&[5, 6], 2);
        assert_eq!((address(&third), &third.data), (place, &Data::U8(vec![5, 6])));
        assert_eq!((slots.tensors.len(), &second.data), (2, &Data::U8(vec![3, 4])));
    }

    #[test]
    fn there_are_as_many_tensors_as_were_held_at_a_time() {
        let mut slots = slots();
        let held: Vec<_> = (0..20).map(|value| slots.sample(&[value, 0], 2)).collect();
        drop(held);
        (0..50).for_each(|value| drop(slots.sample(&[value, 0], 2)));
        assert_eq!(slots.tensors.len(), 20);
        slots.clear();
        let _sample = slots.sample(&[0, 0], 2);
        assert_eq!(slots.tensors.len(), 1);
    }
}

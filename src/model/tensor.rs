//! Tensors on their way into and out of a graph.

use std::borrow::Cow;

use half::f16;

use super::Dtype;

/// Element types that this plugin reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// Unsigned bytes.
    U8,
    /// Signed 32-bit integers.
    I32,
    /// Signed 64-bit integers.
    I64,
    /// 16-bit floats.
    F16,
    /// 32-bit floats.
    F32,
    /// 64-bit floats.
    F64,
}

impl ElementType {
    /// The name that manifests and messages use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::F16 => "float16",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }

    /// Bytes in one element.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// Whether elements are floats.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64)
    }
}

impl From<Dtype> for ElementType {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::Uint8 => Self::U8,
            Dtype::Float32 => Self::F32,
            Dtype::Float16 => Self::F16,
        }
    }
}

/// The elements of a tensor, the last axis fastest.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Unsigned bytes.
    U8(Vec<u8>),
    /// Signed 32-bit integers.
    I32(Vec<i32>),
    /// Signed 64-bit integers.
    I64(Vec<i64>),
    /// 16-bit floats.
    F16(Vec<f16>),
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
}

/// Runs an expression on the vector inside of a [`Data`], whatever its element type.
macro_rules! each_type {
    ($data:expr, $values:ident => $body:expr) => {
        match $data {
            Data::U8($values) => $body,
            Data::I32($values) => $body,
            Data::I64($values) => $body,
            Data::F16($values) => $body,
            Data::F32($values) => $body,
            Data::F64($values) => $body,
        }
    };
}
pub(crate) use each_type;

impl Data {
    /// The element type.
    #[must_use]
    pub fn element(&self) -> ElementType {
        match self {
            Self::U8(_) => ElementType::U8,
            Self::I32(_) => ElementType::I32,
            Self::I64(_) => ElementType::I64,
            Self::F16(_) => ElementType::F16,
            Self::F32(_) => ElementType::F32,
            Self::F64(_) => ElementType::F64,
        }
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        each_type!(self, values => values.len())
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `count` zeros.
    #[must_use]
    pub fn zeros(element: ElementType, count: usize) -> Self {
        match element {
            ElementType::U8 => Self::U8(vec![0; count]),
            ElementType::I32 => Self::I32(vec![0; count]),
            ElementType::I64 => Self::I64(vec![0; count]),
            ElementType::F16 => Self::F16(vec![f16::ZERO; count]),
            ElementType::F32 => Self::F32(vec![0.0; count]),
            ElementType::F64 => Self::F64(vec![0.0; count]),
        }
    }

    /// The elements as 32-bit floats.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            Self::U8(values) => values.iter().map(|&value| f32::from(value)).collect(),
            Self::I32(values) => values.iter().map(|&value| value as f32).collect(),
            Self::I64(values) => values.iter().map(|&value| value as f32).collect(),
            Self::F16(values) => values.iter().map(|value| value.to_f32()).collect(),
            Self::F32(values) => values.clone(),
            Self::F64(values) => values.iter().map(|&value| value as f32).collect(),
        }
    }

    /// Copies `count` elements of `from` into this one; both have the same element type.
    pub(super) fn copy_from(&mut self, to: usize, from: &Self, start: usize, count: usize) {
        macro_rules! copy {
            ($($kind:ident),*) => {
                match (self, from) {
                    $((Self::$kind(target), Self::$kind(source)) => {
                        target[to..to + count].copy_from_slice(&source[start..start + count]);
                    })*
                    _ => {}
                }
            };
        }
        copy!(U8, I32, I64, F16, F32, F64);
    }
}

/// A tensor in host memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Dimensions, slowest first.
    pub shape: Vec<usize>,
    /// Elements.
    pub data: Data,
}

impl Tensor {
    /// A tensor of zeros.
    #[must_use]
    pub fn zeros(element: ElementType, shape: Vec<usize>) -> Self {
        let count = shape.iter().product();
        Self { shape, data: Data::zeros(element, count) }
    }

    /// Stacks tensors `[1, ...]` of one shape and type along a new time axis, and such windows of as many samples along the
    /// batch axis: `[N, T, ...]`.
    #[must_use]
    pub fn stack_over_time(windows: &[Vec<&Self>]) -> Self {
        let Some(first) = windows.first().and_then(|window| window.first()) else {
            return Self::zeros(ElementType::F32, vec![1, 0]);
        };
        let samples = windows.first().map_or(0, Vec::len);
        let mut shape = vec![windows.len(), samples];
        shape.extend(first.shape.iter().skip(1));
        Self { shape, data: gathered(windows.iter().flatten().copied(), first, windows.len() * samples) }
    }

    /// Tensors of one shape and type behind one another along the first axis. A single one is not copied.
    #[must_use]
    pub fn joined<'a>(parts: &[&'a Self]) -> Cow<'a, Self> {
        let first = match parts {
            [] => return Cow::Owned(Self::zeros(ElementType::F32, vec![0])),
            [only] => return Cow::Borrowed(only),
            [first, ..] => first,
        };
        let mut shape = first.shape.clone();
        if let Some(outermost) = shape.first_mut() {
            *outermost *= parts.len();
        }
        Cow::Owned(Self { shape, data: gathered(parts.iter().copied(), first, parts.len()) })
    }

    /// Parts it along the first axis, which is a multiple of `parts`, into as many tensors of one shape.
    #[must_use]
    pub fn split(self, parts: usize) -> Vec<Self> {
        if parts == 1 {
            return vec![self];
        }
        let mut shape = self.shape;
        if let Some(outermost) = shape.first_mut() {
            *outermost /= parts;
        }
        let each = self.data.len() / parts;
        let part = |at: usize| {
            let mut data = Data::zeros(self.data.element(), each);
            data.copy_from(0, &self.data, at * each, each);
            Self { shape: shape.clone(), data }
        };
        (0..parts).map(part).collect()
    }
}

/// The elements of tensors like `first`, one after another.
fn gathered<'a>(tensors: impl Iterator<Item = &'a Tensor>, first: &Tensor, count: usize) -> Data {
    let each = first.data.len();
    let mut data = Data::zeros(first.data.element(), each * count);
    for (at, tensor) in tensors.enumerate() {
        data.copy_from(at * each, &tensor.data, 0, each.min(tensor.data.len()));
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoder_outputs_are_stacked_behind_the_batch_axis() {
        let one = Tensor { shape: vec![1, 2], data: Data::F32(vec![1.0, 2.0]) };
        let two = Tensor { shape: vec![1, 2], data: Data::F32(vec![3.0, 4.0]) };
        let stacked = Tensor::stack_over_time(&[vec![&one, &two, &two]]);
        assert_eq!(stacked.shape, [1, 3, 2]);
        assert_eq!(stacked.data, Data::F32(vec![1.0, 2.0, 3.0, 4.0, 3.0, 4.0]));
        let stacked = Tensor::stack_over_time(&[vec![&one, &two], vec![&two, &one]]);
        assert_eq!(stacked.shape, [2, 2, 2]);
        assert_eq!(stacked.data, Data::F32(vec![1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 1.0, 2.0]));
    }

    #[test]
    fn a_batch_is_what_it_was_put_together_from() {
        let one = Tensor { shape: vec![2, 2], data: Data::I64(vec![1, 2, 3, 4]) };
        let two = Tensor { shape: vec![2, 2], data: Data::I64(vec![5, 6, 7, 8]) };
        let joined = Tensor::joined(&[&one, &two]).into_owned();
        assert_eq!(joined.shape, [4, 2]);
        assert_eq!(joined.split(2), [one, two]);
    }
}

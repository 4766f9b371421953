//! The order of a tensor's axes, written as letters: `NTHWC`, `N(TC)HW`, `(NT)CHW`.

use std::fmt;

/// One axis of the model's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Axis {
    /// Batch.
    N,
    /// Time: the samples of a window.
    T,
    /// Colour channels.
    C,
    /// Rows.
    H,
    /// Columns.
    W,
}

impl Axis {
    fn letter(self) -> char {
        match self {
            Self::N => 'N',
            Self::T => 'T',
            Self::C => 'C',
            Self::H => 'H',
            Self::W => 'W',
        }
    }
}

/// The size of one sampled frame as the model takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameShape {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Colour channels: 3, or 1 for gray.
    pub channels: usize,
}

impl FrameShape {
    /// Elements in one frame.
    #[must_use]
    pub fn len(&self) -> usize {
        self.width * self.height * self.channels
    }

    /// Whether there is not a single element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An order of axes, some of them merged into one dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    groups: Vec<Vec<Axis>>,
}

impl Layout {
    /// Reads a layout such as `NTHWC` or `N(TC)HW`.
    ///
    /// # Errors
    /// What is wrong with it, in words, when a letter is unknown, missing or double or a parenthesis has no
    /// partner.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut groups: Vec<Vec<Axis>> = Vec::new();
        let mut open = false;
        for letter in text.chars() {
            let axis = match letter {
                '(' if !open => {
                    open = true;
                    groups.push(Vec::new());
                    continue;
                }
                ')' if open => {
                    open = false;
                    continue;
                }
                'N' => Axis::N,
                'T' => Axis::T,
                'C' => Axis::C,
                'H' => Axis::H,
                'W' => Axis::W,
                other => return Err(format!("{other:?} in {text:?}")),
            };
            if groups.iter().flatten().any(|&known| known == axis) {
                return Err(format!("{letter} twice in {text:?}"));
            }
            match groups.last_mut() {
                Some(group) if open => group.push(axis),
                _ => groups.push(vec![axis]),
            }
        }
        if open {
            return Err(format!("a parenthesis left open in {text:?}"));
        }
        groups.retain(|group| !group.is_empty());
        for axis in [Axis::N, Axis::C, Axis::H, Axis::W] {
            if !groups.iter().flatten().any(|&known| known == axis) {
                return Err(format!("no {} in {text:?}", axis.letter()));
            }
        }
        Ok(Self { groups })
    }

    /// Whether the layout has a time axis.
    #[must_use]
    pub fn has_time(&self) -> bool {
        self.order().any(|axis| axis == Axis::T)
    }

    /// Whether the batch is the outermost axis in memory, so that windows can be put behind one another.
    #[must_use]
    pub fn batch_first(&self) -> bool {
        self.order().next() == Some(Axis::N)
    }

    /// The layout of a single frame: this one without its time axis.
    #[must_use]
    pub fn without_time(&self) -> Self {
        let groups = self
            .groups
            .iter()
            .map(|group| group.iter().copied().filter(|&axis| axis != Axis::T).collect::<Vec<_>>())
            .filter(|group| !group.is_empty())
            .collect();
        Self { groups }
    }

    /// The axes from the slowest to the fastest in memory.
    pub fn order(&self) -> impl Iterator<Item = Axis> + '_ {
        self.groups.iter().flatten().copied()
    }

    /// The dimensions of a tensor of one window (batch 1) of `frames` samples.
    #[must_use]
    pub fn dimensions(&self, frames: usize, frame: FrameShape) -> Vec<usize> {
        let size = |axis: &Axis| match axis {
            Axis::N => 1,
            Axis::T => frames,
            Axis::C => frame.channels,
            Axis::H => frame.height,
            Axis::W => frame.width,
        };
        self.groups.iter().map(|group| group.iter().map(size).product()).collect()
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in &self.groups {
            let letters: String = group.iter().map(|axis| axis.letter()).collect();
            if group.len() > 1 { write!(f, "({letters})")? } else { write!(f, "{letters}")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: FrameShape = FrameShape { width: 6, height: 5, channels: 3 };

    #[test]
    fn dimensions_follow_the_letters() {
        for (text, expected) in [
            ("NTHWC", vec![1, 4, 5, 6, 3]),
            ("NCTHW", vec![1, 3, 4, 5, 6]),
            ("N(TC)HW", vec![1, 12, 5, 6]),
            ("(NT)CHW", vec![4, 3, 5, 6]),
        ] {
            let layout = Layout::parse(text).unwrap();
            assert_eq!(layout.dimensions(4, FRAME), expected, "{text}");
            assert_eq!(layout.to_string(), text);
        }
    }

    #[test]
    fn time_is_left_out_for_a_frame() {
        let layout = Layout::parse("(NT)CHW").unwrap().without_time();
        assert_eq!(layout.to_string(), "NCHW");
        assert_eq!(layout.dimensions(9, FRAME), vec![1, 3, 5, 6]);
    }

    #[test]
    fn faults_are_told_in_words() {
        for (text, word) in [
            ("NTHWX", "'X'"),
            ("NTHWCC", "C twice"),
            ("NTHW", "no C"),
            ("N(TCHW", "left open"),
            ("N)TCHW", "')'"),
            ("", "no N"),
        ] {
            let fault = Layout::parse(text).unwrap_err();
            assert!(fault.contains(word), "{text}: {fault}");
        }
    }
}

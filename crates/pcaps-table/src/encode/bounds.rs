//! The least and the largest value of pages and columns, by which engines skip them.

use parquet::basic::Type as Physical;
use parquet::data_type::ByteArray;
use parquet::file::statistics::Statistics;

/// Both, in the order of the column's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bounds {
    Numbers(i64, i64),
    Texts(Vec<u8>, Vec<u8>),
}

impl Bounds {
    /// Those of both.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Numbers(a, b), Self::Numbers(c, d)) => Self::Numbers(a.min(c), b.max(d)),
            (Self::Texts(a, b), Self::Texts(c, d)) => Self::Texts(a.min(c), b.max(d)),
            // A column has one type.
            (it, _) => it,
        }
    }

    /// Whether neither end is above the other's.
    pub(super) fn is_not_above(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Numbers(a, b), Self::Numbers(c, d)) => a <= c && b <= d,
            (Self::Texts(a, b), Self::Texts(c, d)) => a <= c && b <= d,
            _ => false,
        }
    }

    /// The two as they stand in an index of pages.
    pub(super) fn bytes(&self, physical: Physical) -> [Vec<u8>; 2] {
        match self {
            Self::Numbers(least, most) => [least, most].map(|it| {
                let bytes = it.to_le_bytes();
                let len = match physical {
                    Physical::BOOLEAN => 1,
                    Physical::INT32 => 4,
                    _ => 8,
                };
                bytes[..len].to_vec()
            }),
            Self::Texts(least, most) => [least.clone(), most.clone()],
        }
    }
}

/// What stands in the file about a column of so many nulls. Without bounds there is nothing but nulls.
pub(super) fn statistics(physical: Physical, bounds: Option<&Bounds>, nulls: u64) -> Statistics {
    let nulls = Some(nulls);
    // Numbers of a type are in its range.
    let int = |it: i64| i32::try_from(it).unwrap_or(i32::MAX);
    let (numbers, texts) = match bounds {
        Some(Bounds::Numbers(least, most)) => (Some((*least, *most)), None),
        Some(Bounds::Texts(least, most)) => (None, Some((least, most))),
        None => (None, None),
    };
    let (least, most) = numbers.unzip();
    match physical {
        Physical::BOOLEAN => Statistics::boolean(
            least.map(|it| it > 0),
            most.map(|it| it > 0),
            None,
            nulls,
            false,
        ),
        Physical::INT32 => Statistics::int32(least.map(int), most.map(int), None, nulls, false),
        Physical::BYTE_ARRAY => {
            let text = |it: &Vec<u8>| ByteArray::from(it.clone());
            let (least, most) = texts.unzip();
            Statistics::byte_array(least.map(text), most.map(text), None, nulls, false)
        }
        _ => Statistics::int64(least, most, None, nulls, false),
    }
}

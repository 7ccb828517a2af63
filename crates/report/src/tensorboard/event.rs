//! The few protobuf messages that curves and texts take, written by hand: a protobuf library
//! would cost more than these lines.
//!
//! Field numbers are those of TensorFlow's `tensorflow/core/util/event.proto` (`Event`,
//! `SessionLog`) and `tensorflow/core/framework/{summary,tensor,tensor_shape,types}.proto`.

/// What is told about one moment of a run.
pub struct Event<'a> {
    /// Seconds since 1970.
    pub wall_time: f64,
    pub step: u64,
    pub what: What<'a>,
}

pub enum What<'a> {
    /// The first event of each file.
    Version,
    /// A run was started again at this step: what was said before of later steps is void.
    Start,
    Scalars(&'a [(&'a str, f64)]),
    Text {
        tag: &'a str,
        text: &'a str,
    },
}

/// The only version there is whose files TensorBoard purges by [`What::Start`].
const VERSION: &[u8] = b"brain.Event:2";
/// `SessionLog.SessionStatus.START`.
const START: u64 = 1;
/// `DataType.DT_STRING`.
const DT_STRING: u64 = 7;
/// `DataClass.DATA_CLASS_TENSOR`.
const DATA_CLASS_TENSOR: u64 = 2;

impl Event<'_> {
    pub fn encode(&self) -> Vec<u8> {
        let mut event = Message::default();
        event.double(1, self.wall_time);
        // TensorBoard's steps are signed.
        let step = self.step.min(i64::MAX as u64);
        if step != 0 {
            event.varint(2, step);
        }
        match self.what {
            What::Version => event.bytes(3, VERSION),
            What::Start => event.message(7, |log| log.varint(1, START)),
            What::Scalars(values) => event.message(5, |summary| {
                for (tag, value) in values {
                    summary.message(1, |one| {
                        one.bytes(1, tag.as_bytes());
                        one.float(2, *value as f32);
                    });
                }
            }),
            What::Text { tag, text } => event.message(5, |summary| {
                summary.message(1, |one| {
                    one.bytes(1, tag.as_bytes());
                    one.message(8, |tensor| {
                        tensor.varint(1, DT_STRING);
                        // A vector of one text: its shape has one dimension, of size one.
                        tensor.message(2, |shape| shape.message(2, |dim| dim.varint(1, 1)));
                        tensor.bytes(8, text.as_bytes());
                    });
                    one.message(9, |metadata| {
                        metadata.message(1, |plugin| plugin.bytes(1, b"text"));
                        metadata.varint(4, DATA_CLASS_TENSOR);
                    });
                });
            }),
        }
        event.0
    }
}

/// A protobuf message in the making; see <https://protobuf.dev/programming-guides/encoding/>.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, field: u64, value: u64) {
        self.raw(field << 3);
        self.raw(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.raw(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.raw(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.raw(field << 3 | 2);
        self.raw(value.len() as u64);
        self.0.extend(value);
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// Seven bits a byte, the lowest first.
    fn raw(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensorboard::record::frame;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The expected bytes are those of the Python package tensorboard 2.21 for the same events
    /// (`RecordWriter().write(event.SerializeToString(deterministic=True))`).
    #[test]
    fn records_equal_those_of_tensorboards_own_writer() {
        let cases = [
            (
                1_700_000_000.25,
                0,
                What::Version,
                "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9",
            ),
            (
                1_700_000_000.25,
                301,
                What::Start,
                "100000000000000095fbfe180900001040fc54d94110ad023a020801cb79b93b",
            ),
            (
                1_700_000_001.5,
                300,
                What::Scalars(&[("loss/train", 1.25), ("lr", 2e-5)]),
                "2c00000000000000f4aecc450900006040fc54d94110ac022a1e0a110a0a6c6f73732f747261696e\
                 150000a03f0a090a026c7215acc5a73729708f48",
            ),
            (
                1_700_000_002.0,
                0,
                What::Text {
                    tag: "sample",
                    text: "1+1=2 ✓",
                },
                "36000000000000004f578cef0900008040fc54d9412a2b0a290a0673616d706c6542130807120412\
                 0208014209312b313d3220e29c934a0a0a060a047465787420029faede84",
            ),
        ];
        for (wall_time, step, what, expected) in cases {
            let event = Event {
                wall_time,
                step,
                what,
            };
            assert_eq!(hex(&frame(&event.encode())), expected);
        }
    }
}

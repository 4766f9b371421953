//! As much of ONNX's file format as small graphs of one or two nodes need: messages of `onnx.proto`, with its field numbers.

use prost::Message;

use crate::model::ElementType;

/// The version of the format, and of the operators, that the graphs are written in: what ONNX Runtime 1.17 reads, and what
/// has all that they use.
const VERSIONS: (i64, i64) = (7, 13);

/// `AttributeProto.AttributeType.INT`.
const INT: i32 = 2;

/// `TensorProto.DataType.INT64`.
const INT64: i32 = 7;

#[derive(Message)]
struct Model {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<Opset>,
}

#[derive(Message)]
struct Opset {
    #[prost(int64, tag = "2")]
    version: i64,
}

/// A graph.
#[derive(Message)]
pub(super) struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Constant>,
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<Port>,
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<Port>,
}

/// A node.
#[derive(Message)]
pub(super) struct Node {
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
}

/// A number that a node goes by.
#[derive(Message)]
pub(super) struct Attribute {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int64, tag = "3")]
    i: i64,
    #[prost(int32, tag = "20")]
    kind: i32,
}

impl Attribute {
    /// An attribute that is a whole number.
    pub(super) fn new(name: &str, i: i64) -> Self {
        Self { name: name.to_owned(), i, kind: INT }
    }
}

/// A list of whole numbers that nodes take as input.
#[derive(Message)]
pub(super) struct Constant {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(int64, repeated, tag = "7")]
    int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    name: String,
}

impl Constant {
    /// The dimensions of a tensor.
    pub(super) fn shape(name: &str, shape: &[usize]) -> Self {
        let int64_data: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
        Self { dims: vec![shape.len() as i64], data_type: INT64, int64_data, name: name.to_owned() }
    }
}

/// An input or output.
#[derive(Message)]
pub(super) struct Port {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<Kind>,
}

#[derive(Message)]
struct Kind {
    #[prost(message, optional, tag = "1")]
    tensor: Option<Tensor>,
}

#[derive(Message)]
struct Tensor {
    #[prost(int32, tag = "1")]
    element: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

#[derive(Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

#[derive(Message)]
struct Dimension {
    // A member of a oneof, which is written even where it is 0.
    #[prost(int64, optional, tag = "1")]
    value: Option<i64>,
}

impl Port {
    /// A tensor of this element type and shape.
    pub(super) fn new(name: &str, element: ElementType, shape: &[usize]) -> Self {
        let dim = shape.iter().map(|&size| Dimension { value: Some(size as i64) }).collect();
        let tensor = Tensor { element: code(element), shape: Some(Shape { dim }) };
        Self { name: name.to_owned(), kind: Some(Kind { tensor: Some(tensor) }) }
    }
}

/// The number in `TensorProto.DataType`.
fn code(element: ElementType) -> i32 {
    match element {
        ElementType::F32 => 1,
        ElementType::U8 => 2,
        ElementType::I32 => 6,
        ElementType::I64 => INT64,
        ElementType::F16 => 10,
        ElementType::F64 => 11,
    }
}

/// The file of a graph.
pub(super) fn file(graph: Graph) -> Vec<u8> {
    let (ir_version, version) = VERSIONS;
    Model { ir_version, graph: Some(graph), opset_import: vec![Opset { version }] }.encode_to_vec()
}

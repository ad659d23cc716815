//! Artifacts that no toolchain makes: cheap to write and dear to compile.
//!
//! They are written by hand, byte by byte: encoders would copy each level of a nest into the
//! next. None is a codec.

/// Within every cap, and yet more work than any limit allows: many functions, each of which calls
/// another with many parameters in nested loops.
pub fn slow() -> Vec<u8> {
    let arguments = b"\x41\0".repeat(40);
    let call = [arguments.as_slice(), b"\x10\0"].concat();
    let code = blocks(LOOP, 90, &call.repeat(200));
    component_of(&functions(3_000, 40, &body(0, &code)))
}

/// A component of those sections.
pub fn component(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x0d\0\x01\0".as_slice(), &sections.concat()].concat()
}

/// A component with that one core module in it.
pub fn component_of(module: &[Vec<u8>]) -> Vec<u8> {
    component(&[core_module(module)])
}

/// The section of a component with a core module of those sections.
pub fn core_module(sections: &[Vec<u8>]) -> Vec<u8> {
    section(
        1,
        &[b"\0asm\x01\0\0\0".as_slice(), &sections.concat()].concat(),
    )
}

/// The section of a component that exports what is not there. A compiler gets no further than
/// to it, so what the caps let through costs nothing.
pub fn fault() -> Vec<u8> {
    section(11, &repeat(1, b"\0\x01a\x05\xff\x7f\0"))
}

/// A custom section of that many bytes, all in all.
pub fn padding(size: usize) -> Vec<u8> {
    let mut bytes = vec![0];
    // The length in five bytes, however small it is.
    let length = size - 6;
    bytes.extend([0, 7, 14, 21].map(|shift| ((length >> shift) & 0x7f | 0x80) as u8));
    bytes.push((length >> 28) as u8);
    // A name of no bytes comes first, so zeros will do.
    bytes.resize(size, 0);
    bytes
}

/// Components in one another, so many levels of them.
pub fn nested_components(levels: usize) -> Vec<u8> {
    nest(levels, b"\0asm\x0d\0\x01\0", |inside| {
        [vec![4], leb(inside)].concat()
    })
}

/// So many components next to each other, inside of one.
pub fn components(count: usize) -> Vec<u8> {
    component(&[section(4, &component(&[])).repeat(count), fault()])
}

/// So many instances of one component.
pub fn instances(count: usize) -> Vec<u8> {
    let instances = section(5, &repeat(count, b"\0\0\0"));
    component(&[section(4, &component(&[])), instances, fault()])
}

/// Components of which each instantiates the one before twice: 2 to the power of so many
/// instances.
pub fn fan_out(levels: u8) -> Vec<u8> {
    let mut sections = vec![section(4, &component(&[]))];
    for level in 1..=levels {
        let before = section(6, &repeat(1, &[4, 2, 1, level - 1]));
        let twice = section(5, &repeat(2, b"\0\0\0"));
        sections.push(section(4, &component(&[before, twice])));
    }
    sections.push(section(5, &repeat(1, &[0, levels, 0])));
    component(&sections)
}

/// Component types in one another, so many levels of them.
pub fn nested_types(levels: usize) -> Vec<u8> {
    let types = [b"\x41\x01\x01".repeat(levels), b"\x41\0".to_vec()].concat();
    component(&[section(7, &repeat(1, &types))])
}

/// A core module with so many functions of that body, each of which takes so many parameters.
pub fn functions(count: usize, parameters: usize, body: &[u8]) -> Vec<Vec<u8>> {
    let ty = [b"\x60".to_vec(), repeat(parameters, b"\x7f"), vec![0]].concat();
    let body = [leb(body.len()), body.to_vec()].concat();
    vec![
        section(1, &repeat(1, &ty)),
        section(3, &repeat(count, b"\0")),
        section(10, &repeat(count, &body)),
    ]
}

/// The body of a function: so many locals, then the code.
pub fn body(locals: usize, code: &[u8]) -> Vec<u8> {
    let locals = repeat(1, &[leb(locals), vec![0x7f]].concat());
    [&locals, code, b"\x0b"].concat()
}

/// Code in so many of one block, of that kind, in another.
pub fn blocks(kind: u8, depth: usize, code: &[u8]) -> Vec<u8> {
    [&[kind, 0x40].repeat(depth), code, &b"\x0b".repeat(depth)].concat()
}

/// The kind of a block that is jumped out of.
pub const BLOCK: u8 = 2;

/// The kind of a block that is jumped to the beginning of.
pub const LOOP: u8 = 3;

/// A section with so many of that entry.
pub fn entries(id: u8, count: usize, entry: &[u8]) -> Vec<u8> {
    section(id, &repeat(count, entry))
}

/// A section.
pub fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], leb(content.len()), content.to_vec()].concat()
}

/// A vector of so many of that entry.
pub fn repeat(count: usize, entry: &[u8]) -> Vec<u8> {
    [leb(count), entry.repeat(count)].concat()
}

/// A number, as the format has it.
pub fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f | 0x80) as u8);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// What is in one another, from the inside out: each level is `head`, and what says that so
/// many bytes follow.
fn nest(levels: usize, head: &[u8], follows: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut length = head.len();
    let mut outer = Vec::new();
    for _ in 1..levels {
        let follows = follows(length);
        length += head.len() + follows.len();
        outer.push(follows);
    }
    let mut bytes = Vec::with_capacity(length);
    for follows in outer.iter().rev() {
        bytes.extend_from_slice(head);
        bytes.extend_from_slice(follows);
    }
    bytes.extend_from_slice(head);
    bytes
}

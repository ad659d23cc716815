//! Bounds on the structure of an artifact, looked at before anything is compiled.
//!
//! They keep out what costs a compiler far more than its bytes suggest. What stays within
//! them and is still too dear is stopped by [`super::CompileLimits`].
//!
//! Costs and 39 instances of CPython were measured. What else is said of toolchains in round
//! numbers is an estimate, which the caps leave room around: of components made with them, those
//! in Rust, JavaScript (QuickJS) and Python (CPython with its libraries) were loaded and are well
//! within all caps; StarlingMonkey's were not tried.

/// Components inside components. Toolchains nest one, composed components two or three. At
/// 20,000 a compiler takes 15 s and 7.8 GB for 240 KB.
pub const COMPONENT_DEPTH: usize = 8;

/// Components in the whole artifact: one for each exported interface, and the composed ones.
pub const COMPONENTS: usize = 256;

/// Core modules. Rust has 4, CPython one for each shared library (about 20).
pub const MODULES: usize = 64;

/// Instances, of modules and components, with every instance of a component counting those
/// inside again: 3.2 KB can ask for 10⁹. CPython has 39.
pub const INSTANCES: u64 = 256;

/// Functions with a body. Interpreters have some 20,000.
pub const FUNCTIONS: usize = 100_000;

/// Bytes of one function's body. Interpreters' main loops have up to 200 KB; some passes of
/// the compiler take more than twice as long for twice the bytes.
pub const FUNCTION_BYTES: usize = 1 << 20;

/// Locals of one function, parameters not counted. Unoptimised code has a few thousand.
pub const LOCALS: u64 = 10_000;

/// Blocks around an instruction. A `switch` of n cases nests n blocks, and interpreters have
/// one case for each of a few hundred instructions.
pub const BLOCK_DEPTH: usize = 2_000;

/// Loops among them. People nest a dozen, compilers a few more; the time to compile grows
/// with the square, so that 42 KB of them take 42 s.
pub const LOOP_DEPTH: usize = 100;

/// Parameters and results of one core function type. A call's cost grows with them, whatever
/// bytes it has: 14 KB of calls with 1,000 of each take 25 s and 1.9 GB. Compilers pass more
/// than a dozen in memory, and so does the component model above 16.
pub const PARAMETERS: usize = 64;

/// Types, imports, exports, aliases, globals and canonical functions, all together. CPython,
/// whose libraries are linked by name, has about 30,000.
pub const ITEMS: usize = 200_000;

/// Segments of data. Tools that snapshot a started interpreter write up to 10,000. Their
/// bytes are the artifact's own, and bounded as such.
pub const DATA_SEGMENTS: usize = 20_000;

/// Entries of all element segments: what tables are filled with. CPython has about 10,000.
pub const ELEMENTS: usize = 100_000;

//! The shape of an artifact: a plain walk over the binary that refuses what would cost a
//! compiler far more than its bytes suggest.
//!
//! It counts and measures; it does not validate, which is the compiler's to do. What it cannot
//! read it refuses: the compiler would only read it otherwise if this walk had missed something.

use wasmparser::{
    Chunk, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ElementItems, FunctionBody, Instance, Operator, Parser, Payload,
};

use crate::limits::CALL_CEILING;
use crate::limits::artifact::{
    BLOCK_DEPTH, COMPONENT_DEPTH, COMPONENTS, DATA_SEGMENTS, ELEMENTS, FUNCTION_BYTES, FUNCTIONS,
    INSTANCES, ITEMS, LOCALS, LOOP_DEPTH, MODULES, PARAMETERS,
};
use crate::sandbox::unfit::Unfit;

/// Refuses an artifact that is beyond the caps of [`crate::limits::artifact`].
pub(in crate::sandbox) fn check(artifact: &[u8]) -> Result<(), Unfit> {
    match Walk::default().run(artifact) {
        Ok(()) => Ok(()),
        Err(Stop::Malformed(why)) => Err(Unfit::DoesNotCompile(why)),
        Err(Stop::Over(what)) => Err(Unfit::TooComplex(what)),
    }
}

/// Why a walk ended early.
enum Stop {
    Malformed(String),
    Over(String),
}

impl From<wasmparser::BinaryReaderError> for Stop {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// What has been counted so far.
#[derive(Default)]
struct Walk {
    components: usize,
    modules: usize,
    functions: usize,
    items: usize,
    memories: usize,
    tables: usize,
    segments: usize,
    elements: usize,
    /// The components around the place where the walk is, outermost first.
    around: Vec<Scope>,
}

/// A component that is being walked.
#[derive(Default)]
struct Scope {
    /// The components it can name, by index: how many instances an instance of each comes to.
    /// None where that is decided elsewhere.
    components: Vec<Option<u64>>,
    /// How many instances an instance of this one comes to.
    instances: u64,
}

impl Walk {
    fn run(mut self, artifact: &[u8]) -> Result<(), Stop> {
        let mut rest = artifact;
        let mut parser = Parser::new(0);
        // The parsers of what is around the current module or component; whether it is a
        // component is known by the first payload.
        let mut outer = Vec::new();
        let mut is_component = Vec::new();
        loop {
            let (used, payload) = match parser.parse(rest, true)? {
                Chunk::Parsed { consumed, payload } => (consumed, payload),
                Chunk::NeedMoreData(_) => return Err(Stop::Malformed("it is cut off".into())),
            };
            rest = &rest[used..];
            match payload {
                Payload::Version { encoding, .. } => {
                    let component = encoding == wasmparser::Encoding::Component;
                    is_component.push(component);
                    if component {
                        self.around.push(Scope::default());
                        over("components nested", self.around.len(), COMPONENT_DEPTH)?;
                    }
                }
                Payload::ModuleSection { parser: inner, .. } => {
                    add(&mut self.modules, 1, "core modules", MODULES)?;
                    outer.push(std::mem::replace(&mut parser, inner));
                }
                Payload::ComponentSection { parser: inner, .. } => {
                    add(&mut self.components, 1, "components", COMPONENTS)?;
                    outer.push(std::mem::replace(&mut parser, inner));
                }
                Payload::End(_) => {
                    if is_component.pop() == Some(true) {
                        self.leave_component();
                    }
                    match outer.pop() {
                        Some(around) => parser = around,
                        None => return Ok(()),
                    }
                }
                payload => self.section(payload)?,
            }
        }
    }

    fn leave_component(&mut self) {
        let instances = self.around.pop().map_or(0, |scope| scope.instances);
        if let Some(scope) = self.around.last_mut() {
            scope.components.push(Some(instances));
        }
    }

    fn section(&mut self, payload: Payload<'_>) -> Result<(), Stop> {
        match payload {
            Payload::TypeSection(types) => {
                self.items(types.count())?;
                for group in types {
                    for ty in group?.types() {
                        if let wasmparser::CompositeInnerType::Func(ty) = &ty.composite_type.inner {
                            let count = ty.params().len() + ty.results().len();
                            over("parameters and results of a function", count, PARAMETERS)?;
                        }
                    }
                }
            }
            Payload::ImportSection(section) => self.items(section.count())?,
            Payload::GlobalSection(section) => self.items(section.count())?,
            Payload::ExportSection(section) => self.items(section.count())?,
            Payload::TagSection(section) => self.items(section.count())?,
            Payload::CoreTypeSection(section) => self.items(section.count())?,
            Payload::ComponentTypeSection(section) => self.items(section.count())?,
            Payload::ComponentCanonicalSection(section) => self.items(section.count())?,
            Payload::ComponentExportSection(section) => {
                self.items(section.count())?;
                for export in section {
                    // An export is one more name, and an index, of what it exports.
                    if export?.kind == ComponentExternalKind::Component {
                        self.name_component(None);
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                self.items(section.count())?;
                for import in section {
                    if import?.ty.kind() == ComponentExternalKind::Component {
                        self.name_component(None);
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                self.items(section.count())?;
                for alias in section {
                    self.alias(&alias?);
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    match instance? {
                        Instance::Instantiate { .. } => self.instantiate(0)?,
                        Instance::FromExports(_) => self.items(1)?,
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    match instance? {
                        ComponentInstance::Instantiate {
                            component_index, ..
                        } => self.instantiate_component(component_index)?,
                        ComponentInstance::FromExports(_) => self.items(1)?,
                    }
                }
            }
            Payload::FunctionSection(section) => {
                let count = section.count() as usize;
                add(&mut self.functions, count, "functions", FUNCTIONS)?;
            }
            Payload::MemorySection(section) => {
                let count = section.count() as usize;
                add(&mut self.memories, count, "memories", CALL_CEILING.memories)?;
            }
            Payload::TableSection(section) => {
                let count = section.count() as usize;
                add(&mut self.tables, count, "tables", CALL_CEILING.tables)?;
            }
            Payload::DataSection(section) => {
                let count = section.count() as usize;
                add(&mut self.segments, count, "data segments", DATA_SEGMENTS)?;
            }
            Payload::ElementSection(section) => {
                for element in section {
                    let count = match element?.items {
                        ElementItems::Functions(items) => items.count(),
                        ElementItems::Expressions(_, items) => items.count(),
                    };
                    let count = (count as usize).max(1);
                    add(&mut self.elements, count, "table elements", ELEMENTS)?;
                }
            }
            Payload::CodeSectionEntry(body) => check_body(&body)?,
            _ => {}
        }
        Ok(())
    }

    fn items(&mut self, count: u32) -> Result<(), Stop> {
        add(
            &mut self.items,
            count as usize,
            "types, imports, exports and aliases",
            ITEMS,
        )
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match *alias {
            ComponentAlias::Outer {
                kind: ComponentOuterAliasKind::Component,
                count,
                index,
            } => {
                let scope = (self.around.len().checked_sub(1))
                    .and_then(|innermost| innermost.checked_sub(count as usize))
                    .and_then(|scope| self.around.get(scope));
                let known = scope.and_then(|scope| scope.components.get(index as usize));
                self.name_component(known.copied().flatten());
            }
            ComponentAlias::InstanceExport {
                kind: ComponentExternalKind::Component,
                ..
            } => self.name_component(None),
            _ => {}
        }
    }

    fn name_component(&mut self, instances: Option<u64>) {
        if let Some(scope) = self.around.last_mut() {
            scope.components.push(instances);
        }
    }

    fn instantiate_component(&mut self, index: u32) -> Result<(), Stop> {
        let known = self
            .around
            .last()
            .and_then(|scope| scope.components.get(index as usize));
        match known {
            Some(Some(inside)) => self.instantiate(*inside),
            // No toolchain does, and how much it would come to nobody knows.
            Some(None) => Err(Stop::Over(
                "it instantiates a component that it does not define itself".to_owned(),
            )),
            None => Err(Stop::Malformed(
                "it instantiates a component that is not there".into(),
            )),
        }
    }

    /// Counts an instance that comes with so many others.
    fn instantiate(&mut self, inside: u64) -> Result<(), Stop> {
        if let Some(scope) = self.around.last_mut() {
            scope.instances = scope.instances.saturating_add(inside).saturating_add(1);
            if scope.instances > INSTANCES {
                return Err(refuse("instances", INSTANCES));
            }
        }
        Ok(())
    }
}

/// Measures one function.
fn check_body(body: &FunctionBody<'_>) -> Result<(), Stop> {
    over("bytes of one function", body.range().len(), FUNCTION_BYTES)?;
    let mut locals = 0u64;
    for group in body.get_locals_reader()? {
        locals += u64::from(group?.0);
        if locals > LOCALS {
            return Err(refuse("locals of one function", LOCALS));
        }
    }
    // Whether each of the blocks around the instruction is a loop.
    let mut around = Vec::new();
    let mut loops = 0;
    for operator in body.get_operators_reader()? {
        match operator? {
            Operator::Loop { .. } => {
                around.push(true);
                loops += 1;
                over("loops nested", loops, LOOP_DEPTH)?;
            }
            Operator::Block { .. }
            | Operator::If { .. }
            | Operator::TryTable { .. }
            | Operator::Try { .. } => around.push(false),
            Operator::End | Operator::Delegate { .. } => {
                loops -= usize::from(around.pop() == Some(true));
            }
            _ => continue,
        }
        over("blocks nested", around.len(), BLOCK_DEPTH)?;
    }
    Ok(())
}

fn add(counter: &mut usize, count: usize, what: &str, limit: usize) -> Result<(), Stop> {
    *counter = counter.saturating_add(count);
    over(what, *counter, limit)
}

fn over(what: &str, count: usize, limit: usize) -> Result<(), Stop> {
    if count <= limit {
        return Ok(());
    }
    Err(refuse(what, limit as u64))
}

fn refuse(what: &str, limit: u64) -> Stop {
    Stop::Over(format!(
        "it has more than the {limit} {what} that an artifact may have"
    ))
}

//! Functions that were compiled, so that a component which changes little is compiled soon.
//!
//! Code is the same as without: the compiler looks for a function by a digest of all that its code depends
//! on.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use wasmtime::CacheStore;

/// The most that is kept, in bytes. A component with an interpreter has about 32 MiB.
const MAX_BYTES: usize = 256 << 20;

/// The code of functions by their digests.
#[derive(Debug, Default)]
pub(super) struct FunctionCache(RwLock<Functions>);

#[derive(Debug, Default)]
struct Functions {
    code: HashMap<Box<[u8]>, Box<[u8]>>,
    bytes: usize,
}

impl CacheStore for FunctionCache {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let functions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        functions.code.get(key).map(|code| Cow::Owned(code.to_vec()))
    }

    fn insert(&self, key: &[u8], code: Vec<u8>) -> bool {
        let mut functions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let bytes = key.len() + code.len();
        // What is in use is compiled anew, and then most of it is of the newest component.
        if functions.bytes + bytes > MAX_BYTES {
            *functions = Functions::default();
        }
        functions.bytes += bytes;
        if let Some(before) = functions.code.insert(key.into(), code.into()) {
            functions.bytes -= key.len() + before.len();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wasm_encoder::{
        CodeSection, Component, Function, FunctionSection, Module, ModuleSection, TypeSection,
        ValType,
    };

    use super::*;
    use crate::compile::compile;

    /// A component with a function that gives this number, and one that gives 7.
    fn component(number: i32) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], [ValType::I32]);
        let mut functions = FunctionSection::new();
        functions.function(0).function(0);
        let mut code = CodeSection::new();
        for number in [number, 7] {
            let mut function = Function::new([]);
            function.instructions().i32_const(number).end();
            code.function(&function);
        }
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&code);
        let mut component = Component::new();
        component.section(&ModuleSection(&module));
        component.finish()
    }

    #[test]
    fn what_is_compiled_is_the_same_with_and_without() {
        let functions = Arc::new(FunctionCache::default());
        let count = || functions.0.read().unwrap().code.len();
        let with = |component: &[u8]| compile(component, Some(functions.clone())).unwrap();
        let (first, second) = (component(1), component(2));
        assert_eq!(with(&first), compile(&first, None).unwrap());
        let of_first = count();
        assert!(of_first >= 2, "{of_first}");
        assert_eq!(with(&second), compile(&second, None).unwrap());
        // The one that was edited.
        assert_eq!(count(), of_first + 1);
        assert_eq!(with(&first), compile(&first, None).unwrap());
        assert_eq!(count(), of_first + 1);
    }

    #[test]
    fn it_keeps_no_more_than_it_may() {
        let functions = FunctionCache::default();
        let bytes = || functions.0.read().unwrap().bytes;
        let part = MAX_BYTES / 4;
        for key in [b"a", b"a", b"b"] {
            assert!(functions.insert(key, vec![0; part]));
        }
        assert_eq!(bytes(), 2 * (part + 1));
        for key in [b"c", b"d"] {
            functions.insert(key, vec![0; part]);
            assert!(bytes() <= MAX_BYTES);
        }
        assert_eq!(functions.get(b"d").map(|code| code.len()), Some(part));
        assert!(functions.get(b"a").is_none());
    }
}

//! World: books, and the process that keeps them; each sequence of calls is tried in a new one.

use std::sync::Arc;

use super::naive::Model;
use super::verb::{self, Verb};
use super::{both, list, look};
use crate::conformance::clause::Bench;
use crate::conformance::scratch::Books;
use crate::quota::held::Instance;
use crate::quota::{Layer, Measure};
use crate::store::{LayerKind, Store};

/// Books, and the process that keeps them; where books last, one that can end without a word and
/// begin anew.
pub(super) struct World {
    pub(super) books: Arc<dyn Books>,
    lasting: bool,
    knows_the_living: bool,
    /// None once it has ended.
    pub(super) process: Option<Arc<dyn Store>>,
}

impl World {
    pub(super) async fn of(bench: &Bench) -> Self {
        let (books, scratch) = (bench.scratch.books().await.unwrap(), &bench.scratch);
        let process = Some(books.open().unwrap());
        let (lasting, knows_the_living) = (scratch.is_lasting(), scratch.knows_the_living());
        Self { books, lasting, knows_the_living, process }
    }

    fn store(&self) -> &dyn Store {
        self.process.as_deref().unwrap()
    }

    /// Begins anew as a process of its own; returns how many reservations of the last one ended.
    async fn begin(&mut self, model: &mut Model) -> usize {
        if !self.lasting {
            return 0;
        }
        // Never closed: what was answered is there all the same.
        self.process = None;
        self.process = Some(self.books.open().unwrap());
        let instance = Instance::fresh();
        if self.knows_the_living {
            model.owner = Some(instance.clone());
        }
        self.store().join(&instance, model.now).await.unwrap()
    }

    /// Does each of `verbs` in it and in a model, and compares the answers.
    pub(super) async fn answers_like_the_model(&mut self, resources: usize, verbs: &[Verb]) {
        let measure = |what: usize| {
            let usual = verb::resource(what).usual_measure();
            (verb::resource(what), Measure { aggregate: verb::AGGREGATES[what], ..usual })
        };
        let layer = Layer { resources: (1..4).map(measure).collect(), ..Layer::default() };
        let seen = self.store().policy().await.unwrap().version;
        let version = self.store().write_layer(LayerKind::Store, layer, seen).await.unwrap();
        let mut model = Model::new(version, resources);
        assert_eq!(self.begin(&mut model).await, 0);
        for verb in verbs {
            both(self.store(), &mut model, verb).await;
            if matches!(verb, Verb::Crash) && self.lasting {
                assert_eq!(self.begin(&mut model).await, model.crash());
            }
            look(self.store(), &model).await;
        }
        list(self.store(), &model).await;
    }
}

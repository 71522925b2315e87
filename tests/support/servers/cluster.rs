//! Cluster: three nodes of Redis that share the keys among them.

use std::process::Command;

use super::machine::{program, run, until};
use super::redis::{PACKAGE, Redis};

/// A cluster; its nodes are ended when it is dropped.
pub(crate) struct Cluster {
    /// Each of them may be stopped and started like any server.
    pub(crate) nodes: Vec<Redis>,
}

impl Cluster {
    /// Starts one whose nodes keep nothing over their end but who they are.
    pub(crate) fn start() -> Result<Self, String> {
        Self::start_with(&["--save", ""])
    }

    /// Starts one whose nodes have these options.
    pub(crate) fn start_with(options: &[&str]) -> Result<Self, String> {
        let of_cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
        let options: Vec<_> = of_cluster.iter().chain(options).copied().collect();
        let nodes = (0..3).map(|_| Redis::start_with(&options)).collect::<Result<Vec<_>, _>>()?;
        let cluster = Self { nodes };
        let mut join = Command::new(program("redis-cli", PACKAGE)?);
        join.args(["--cluster", "create"]).args(cluster.nodes.iter().map(Redis::address));
        run(join.arg("--cluster-yes"))?;
        // Whoever asks a node that has not heard of all of it yet is turned away.
        until(|| cluster.is_whole())?;
        Ok(cluster)
    }

    /// Returns whether every node knows where all keys are.
    pub(crate) fn is_whole(&self) -> bool {
        self.nodes.iter().all(|node| {
            let state = node.says("CLUSTER INFO");
            state.contains("cluster_state:ok") && state.contains("cluster_known_nodes:3")
        })
    }

    /// Returns the address of the keys that begin with `namespace`.
    pub(crate) fn url(&self, namespace: &str) -> String {
        format!("{}?prefix={namespace}", self.base())
    }

    /// Returns its address, which names all nodes.
    pub(crate) fn base(&self) -> String {
        let addresses: Vec<_> = self.nodes.iter().map(Redis::address).collect();
        format!("redis+cluster://{}", addresses.join(","))
    }
}

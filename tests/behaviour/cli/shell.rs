//! completions, man: what is printed for shells and for `man`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use super::Books;

/// Returns the commands that `metergate COMMAND --help` lists, `help` aside.
fn listed(books: &Books, command: &str) -> Vec<String> {
    let help = books.done(&format!("{command} --help"));
    let Some((_, listed)) = help.split_once("Commands:\n") else { return Vec::new() };
    let lines = listed.lines().take_while(|line| !line.is_empty());
    // A line that goes on from the one above stands further in.
    let lines = lines.filter_map(|line| line.strip_prefix("  ").filter(|it| !it.starts_with(' ')));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(|name| format!("{command} {name}")).collect()
}

/// Returns every command, as its help and that of those above it tell.
fn commands(books: &Books) -> Vec<String> {
    let help = books.done("--help");
    let (_, overview) = help.split_once("Run:\n").unwrap();
    let names = overview.lines().take_while(|line| !line.starts_with("Options"));
    let names = names.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let first: Vec<_> = names.map(str::to_owned).collect();
    let below: Vec<_> = first.iter().flat_map(|command| listed(books, command)).collect();
    [first, below].concat()
}

#[test]
fn bash_accepts_its_script_and_completes_commands() {
    let books = Books::new();
    let script = books.done("completions bash");
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
    // As bash does it when the key is pressed.
    let pressed = "COMP_WORDS=(metergate group s); COMP_CWORD=2; \
                   _metergate metergate s group; echo \"${COMPREPLY[@]}\"";
    // It is longer than an argument may be.
    let file = books.0.path().join("completions");
    fs::write(&file, format!("{script}\n{pressed}")).unwrap();
    let output = Command::new("bash").arg(&file).output();
    assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap().trim(), "set show");
}

#[test]
fn every_shell_gets_a_script_that_names_every_command() {
    let books = Books::new();
    let commands = commands(&books);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = books.done(&format!("completions {shell}"));
        for word in commands.iter().flat_map(|command| command.split(' ')) {
            assert!(script.contains(word), "{shell}: {word}");
        }
        let told = books.json(&format!("completions {shell}"));
        assert_eq!(told["shell"], shell);
        assert_eq!(told["script"], script.trim_end());
    }
}

#[test]
fn a_shell_nobody_knows_is_bad_input() {
    let sentence = Books::new().refused("completions tcsh", 2);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(sentence.contains(shell), "{sentence}");
    }
    Books::new().refused("completions", 2);
}

#[test]
fn the_manual_page_has_its_sections_and_every_command() {
    let page = Books::new().done("man");
    let sections: Vec<_> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
    let expected = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "SUBCOMMANDS",
        "VERSION",
        "EXAMPLES",
        "NOTES",
    ];
    assert_eq!(sections, expected);
    for command in commands(&Books::new()).iter().filter(|command| !command.contains(' ')) {
        assert!(page.contains(&format!("\nmetergate\\-{command}(1)\n")), "{command}: {page}");
    }
    assert!(page.contains("5 store unavailable"), "{page}");
}

#[test]
fn every_command_has_a_page_of_its_own() {
    let books = Books::new();
    let said = books.json("man --out share/man1");
    assert_eq!((&said["done"], &said["folder"]), (&true.into(), &"share/man1".into()));
    let folder = books.0.path().join("share/man1");
    let written = fs::read_dir(&folder).unwrap();
    let written: BTreeSet<_> =
        written.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let page_of = |command: &String| format!("metergate-{}.1", command.replace(' ', "-"));
    let mut expected: BTreeSet<_> = commands(&books).iter().map(page_of).collect();
    expected.insert("metergate.1".to_owned());
    assert!(expected.len() > 30, "{expected:?}");
    assert_eq!(written, expected);
    let page = fs::read_to_string(folder.join("metergate-group-set.1")).unwrap();
    assert!(page.contains(".SH EXAMPLES\n.nf\nmetergate group set free "), "{page}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let books = Books::new();
    fs::write(books.0.path().join("file"), "").unwrap();
    let sentence = books.refused("man --out file/man1", 5);
    assert!(sentence.contains("file/man1"), "{sentence}");
}

#[test]
fn neither_script_nor_manual_opens_the_store() {
    let books = Books::new();
    for line in ["completions zsh", "man"] {
        books.done(&format!("--storage sqlite:/nowhere/at/all.db {line}"));
    }
    assert_eq!(fs::read_dir(books.0.path()).unwrap().count(), 0);
}

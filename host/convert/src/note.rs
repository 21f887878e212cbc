//! Notes on the conversion of an object: what differs, what is refused, and what to do.

/// How much a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Nothing is lost; something is to be done or known.
    Todo,
    /// The object is written, and something of it differs.
    Differs,
    /// The object is not written.
    Refused,
}

/// What is not kept of an object and why, or what is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How much it is about.
    pub weight: Weight,
    /// The text, which ends without a full stop.
    pub text: String,
}

/// The notes of one object.
#[derive(Debug, Default)]
pub(crate) struct Notes(Vec<Note>);

/// The most notes of one object: a hostile one has as many as it has keys.
const MAX_NOTES: usize = 100;

/// The longest note, in characters.
const MAX_CHARS: usize = 1000;

impl Notes {
    pub(crate) fn todo(&mut self, text: impl Into<String>) {
        self.push(Weight::Todo, text.into());
    }

    pub(crate) fn differs(&mut self, text: impl Into<String>) {
        self.push(Weight::Differs, text.into());
    }

    pub(crate) fn refuse(&mut self, text: impl Into<String>) {
        self.push(Weight::Refused, text.into());
    }

    pub(crate) fn are_refusal(&self) -> bool {
        self.0.iter().any(|note| note.weight == Weight::Refused)
    }

    pub(crate) fn into_list(self) -> Vec<Note> {
        self.0
    }

    fn push(&mut self, weight: Weight, text: String) {
        // Parts of it are from objects that anybody wrote.
        let note = Note { weight, text: leadsman_model::text::one_line(&text, MAX_CHARS) };
        // A refusal is never left out: it decides whether the object is written.
        let has_room = self.0.len() < MAX_NOTES || !self.are_refusal() && weight == Weight::Refused;
        if has_room && !self.0.contains(&note) {
            self.0.push(note);
        }
    }
}

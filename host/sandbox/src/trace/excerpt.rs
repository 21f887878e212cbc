//! Excerpts of captures: copies of their first rows and measures.

use super::Capture;
use crate::bindings::leadsman::plugin::types;
use leadsman_model::dictionary::{EMPTY, Text};

impl Capture {
    /// The number of texts of the input and of what the plugin gave.
    fn text_count(&self) -> usize {
        let own = self.measures.as_ref().map_or(0, |measures| measures.dictionary.ends.len());
        self.input.dictionary.ends.len() + own
    }

    /// A copy of the first rows and measures that take about so many bytes. Objects are left out.
    pub fn excerpt(&self, max_bytes: usize) -> Self {
        let dictionary = types::Dictionary { bytes: Vec::new(), ends: Vec::new() };
        let known = vec![0; self.text_count()];
        let mut copying = Copying { from: self, first: 0, dictionary, known, left: 0 };
        copying.text(EMPTY);
        let share = max_bytes / (self.input.answers.len() + 1);
        let mut answers = Vec::with_capacity(self.input.answers.len());
        for answer in &self.input.answers {
            copying.left = share;
            answers.push(types::Answer {
                query: answer.query.clone(),
                data: copying.data(&answer.data),
                unit: answer.unit.clone(),
                warnings: Vec::new(),
            });
        }
        copying.left = share;
        let measures = self.measures.as_ref().map(|measures| copying.measures(measures));
        let input = types::Input {
            dictionary: copying.dictionary,
            scope: self.input.scope.clone(),
            answers,
            objects: None,
            now: self.input.now,
        };
        Self { input, measures }
    }

    /// Takes what another run gave for what came of this input: where plugins run one after another,
    /// that is what the last of them gave.
    pub fn take_measures_of(&mut self, other: &Self) {
        let first = self.input.dictionary.ends.len();
        self.measures = other.measures.as_ref().map(|measures| {
            let dictionary = types::Dictionary { bytes: Vec::new(), ends: Vec::new() };
            let mut known = vec![0; other.text_count()];
            // The empty text is that of the input.
            if let Some(empty) = known.first_mut() {
                *empty = EMPTY + 1;
            }
            let mut copying = Copying { from: other, first, dictionary, known, left: usize::MAX };
            let copied = copying.measures(measures);
            types::Measures { dictionary: copying.dictionary, ..copied }
        });
    }
}

/// Copies rows while there is room.
struct Copying<'a> {
    from: &'a Capture,
    /// The number of the first text that is copied.
    first: usize,
    dictionary: types::Dictionary,
    /// By the number of each text, one more than its new number; 0 for those that are not copied yet.
    known: Vec<Text>,
    /// The bytes that are left for what is copied now.
    left: usize,
}

impl Copying<'_> {
    fn text(&mut self, id: Text) -> Text {
        // A text that a plugin makes up is in no dictionary, and empty.
        let Some(&known) = self.known.get(id as usize) else { return EMPTY };
        if let Some(known) = known.checked_sub(1) {
            return known;
        }
        let (text, dictionary) = (self.from.text(id), &mut self.dictionary);
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let new = number(self.first + dictionary.ends.len());
        dictionary.bytes.extend_from_slice(text.as_bytes());
        dictionary.ends.push(number(dictionary.bytes.len()));
        self.left = self.left.saturating_sub(text.len() + size_of::<u32>());
        if let Some(known) = self.known.get_mut(id as usize) {
            *known = new.saturating_add(1);
        }
        new
    }

    fn texts(&mut self, texts: &[Text], count: usize) -> Vec<Text> {
        texts.iter().take(count).map(|&id| self.text(id)).collect()
    }

    /// The first rows that there is room for, and how many these are; `more` is what a row takes
    /// besides its labels.
    fn labels(
        &mut self,
        labels: &types::Labels,
        rows: usize,
        more: impl Fn(usize) -> usize,
    ) -> (types::Labels, usize) {
        let columns = labels.names.len();
        let (mut cells, mut kept) = (Vec::new(), 0);
        while kept < rows {
            let bytes = more(kept) + columns * size_of::<Text>();
            if self.left < bytes {
                break;
            }
            self.left -= bytes;
            for column in 0..columns {
                let id = labels.cells.get(column * rows + kept).copied().unwrap_or(EMPTY);
                cells.push(self.text(id));
            }
            kept += 1;
        }
        let mut by_column = Vec::with_capacity(cells.len());
        for column in 0..columns {
            by_column.extend(cells.iter().skip(column).step_by(columns));
        }
        let names = labels.names.iter().map(|&name| self.text(name)).collect();
        let rows = u32::try_from(kept).unwrap_or(u32::MAX);
        (types::Labels { names, rows, cells: by_column }, kept)
    }

    fn data(&mut self, data: &types::Data) -> types::Data {
        const SAMPLE: usize = 2 * size_of::<u64>();
        match data {
            types::Data::Vector(vector) => {
                let (labels, kept) = self.labels(&vector.labels, vector.values.len(), |_| SAMPLE);
                types::Data::Vector(types::Vector {
                    labels,
                    times: vector.times.iter().take(kept).copied().collect(),
                    values: vector.values.iter().take(kept).copied().collect(),
                })
            }
            types::Data::Matrix(matrix) => {
                let end = |row: usize| matrix.ends.get(row).copied().unwrap_or_default() as usize;
                let samples = |row: usize| end(row) - row.checked_sub(1).map_or(0, end);
                let bytes = |row: usize| SAMPLE * samples(row);
                let (labels, kept) = self.labels(&matrix.labels, matrix.ends.len(), bytes);
                let last = kept.checked_sub(1).map_or(0, end);
                types::Data::Matrix(types::Matrix {
                    labels,
                    ends: matrix.ends.iter().take(kept).copied().collect(),
                    times: matrix.times.iter().take(last).copied().collect(),
                    values: matrix.values.iter().take(last).copied().collect(),
                })
            }
            types::Data::Scalar(scalar) => {
                types::Data::Scalar(types::Scalar { time: scalar.time, value: scalar.value })
            }
            types::Data::Text(message) => {
                let text = self.text(message.text);
                types::Data::Text(types::Message { time: message.time, text })
            }
        }
    }

    /// The texts of measures become those of the one dictionary.
    fn measures(&mut self, measures: &types::Measures) -> types::Measures {
        const OWN: usize = 2 * size_of::<u64>() + 3 * size_of::<u32>();
        let (labels, kept) = self.labels(&measures.labels, measures.values.len(), |_| OWN);
        types::Measures {
            dictionary: types::Dictionary { bytes: Vec::new(), ends: Vec::new() },
            objects: self.texts(&measures.objects, kept),
            namespaces: self.texts(&measures.namespaces, kept),
            values: measures.values.iter().take(kept).copied().collect(),
            times: measures.times.iter().take(kept).copied().collect(),
            windows: measures.windows.iter().take(kept).copied().collect(),
            labels,
        }
    }
}

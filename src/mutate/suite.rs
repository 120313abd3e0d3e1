//! Combines the faults of all specs: a fault is caught if any spec notices it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::accept::{Acceptance, Owner, is_same_place};
use super::exam::{self, Effect, Fate, StepExam};
use super::examined::{ExaminedStep, Occurrence};
use super::mutant::Mutant;
use super::remedy::{Effort, remedy};
use super::site::Site;
use super::subject::Subject;
use crate::draft::Sketches;
use crate::number::{count, counted};
use crate::secret::Secrets;
use crate::spec::{Counted, FaultKind, IgnoredFaults, Location, Spec, SpecError};
use crate::step::StepEvidence;
use crate::trace::{Response, Span, Trace};

/// The faults that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those of essential parts.
    Default,
    /// All except those of values that vary from run to run.
    All,
}

/// The settings of an examination.
#[derive(Clone, Copy)]
pub(crate) struct ExamSettings<'a> {
    pub(crate) which: Which,
    /// The faults that all specs accept.
    pub(crate) ignored: &'a [IgnoredFaults],
    pub(crate) extent: Extent,
    /// Maximum number of spans and log records that are judged for the faults of one step, and again to
    /// prove suggestions.
    pub(crate) records: usize,
}

/// The specs among the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of the project.
    Project,
    /// A selection.
    Selection,
}

/// A spec, with the evidence of its steps.
pub(crate) struct SpecInput<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) evidence: Result<Vec<StepEvidence>, String>,
}

/// The faults of all specs.
pub(crate) struct Suite {
    pub(crate) score: SpecScore,
    /// The number of caught faults that make no check fail, and a spec errored.
    pub(crate) errored: usize,
    /// The faults that no spec notices, by place; the worst first.
    pub(crate) missed: Vec<FaultsOfPlace>,
    pub(crate) specs: Vec<ExaminedSpec>,
    pub(crate) not_examined: Vec<NotExamined>,
    /// Checks that no fault makes fail.
    pub(crate) idle: Vec<IdleCheck>,
    /// The number of faults that specs accept, and that no check notices.
    pub(crate) ignored: usize,
    /// Entries of `ignore` that accept no fault, as warnings.
    pub(crate) unused: Vec<SpecError>,
    /// The number of faults that were judged, also those that do not count.
    pub(crate) judged: usize,
    /// The number of faults that were not judged.
    pub(crate) left_out: usize,
    /// The user ended it.
    pub(crate) is_interrupted: bool,
}

impl Suite {
    /// The result without a spec.
    pub(crate) fn none() -> Self {
        Self {
            score: SpecScore::default(),
            errored: 0,
            missed: Vec::new(),
            specs: Vec::new(),
            not_examined: Vec::new(),
            idle: Vec::new(),
            ignored: 0,
            unused: Vec::new(),
            judged: 0,
            left_out: 0,
            is_interrupted: false,
        }
    }

    /// Masks secrets in each text that can come from the system under test, or from a variable.
    pub(crate) fn masked(mut self, secrets: &Secrets) -> Self {
        let replace = |text: &mut String| *text = secrets.text(text);
        for place in &mut self.missed {
            replace(&mut place.place);
            replace(&mut place.spec);
            place.remedy.iter_mut().for_each(replace);
            place
                .faults
                .iter_mut()
                .for_each(|fault| replace(&mut fault.what));
        }
        for spec in &mut self.specs {
            replace(&mut spec.name);
            spec.notes.iter_mut().for_each(replace);
        }
        for spec in &mut self.not_examined {
            replace(&mut spec.name);
            replace(&mut spec.why);
        }
        for check in &mut self.idle {
            replace(&mut check.spec);
            replace(&mut check.what);
        }
        let unused = self.unused.into_iter();
        self.unused = unused.map(|one| secrets.spec_error(one)).collect();
        self
    }
}

/// The numbers of faults that count, and of those that were caught.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpecScore {
    pub(crate) caught: usize,
    pub(crate) counted: usize,
}

impl SpecScore {
    /// The share of faults that were caught; `None` if none counts.
    #[expect(clippy::cast_precision_loss, reason = "numbers of faults are small")]
    pub(crate) fn share(self) -> Option<f64> {
        (self.counted > 0).then(|| self.caught as f64 / self.counted as f64)
    }
}

/// A spec with the faults that it notices alone.
pub(crate) struct ExaminedSpec {
    pub(crate) name: String,
    pub(crate) at: Location,
    pub(crate) score: SpecScore,
    /// A part of it that was not examined.
    pub(crate) notes: Vec<String>,
}

/// A spec that was not examined.
pub(crate) struct NotExamined {
    pub(crate) name: String,
    pub(crate) at: Location,
    pub(crate) why: String,
}

/// Faults of one place that no spec notices.
pub(crate) struct FaultsOfPlace {
    /// The place in words: `` `POST /orders` of order ``.
    pub(crate) place: String,
    /// The spec with the suggestion, and its step.
    pub(crate) spec: String,
    pub(crate) at: Location,
    pub(crate) faults: Vec<Fault>,
    /// Checks that would notice them, as YAML under `expect`.
    pub(crate) remedy: Option<String>,
    /// The span; `None` for a response.
    pub(crate) span: Option<SpanOfPlace>,
}

/// The span of a place, or the one of its log record.
pub(crate) struct SpanOfPlace {
    pub(crate) trace: Arc<Trace>,
    pub(crate) at: usize,
}

/// A fault that no spec notices.
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) what: String,
    /// The number of equal spans or records for which it stands.
    pub(crate) equal: usize,
    /// The suggested checks notice it.
    pub(crate) is_covered: bool,
}

/// A check that no fault makes fail.
pub(crate) struct IdleCheck {
    pub(crate) spec: String,
    pub(crate) what: String,
    pub(crate) at: Location,
    pub(crate) why: &'static str,
}

/// A place in the system, the same in all specs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place(String);

/// The identity of a fault in all specs.
type FaultKey = (Place, FaultKind, Option<String>);

/// Judges the faults of all specs. Ends early if `is_stopped` returns `true`.
pub(crate) fn examine(
    inputs: &[SpecInput<'_>],
    settings: ExamSettings<'_>,
    is_stopped: &dyn Fn() -> bool,
) -> Suite {
    let mut steps = Vec::new();
    let mut not_examined = Vec::new();
    let mut specs = Vec::new();
    for input in inputs {
        let all = match &input.evidence {
            Ok(all) => all,
            Err(why) => {
                not_examined.push(NotExamined::new(input.spec, why.clone()));
                continue;
            }
        };
        let number = specs.len();
        let examined = of_spec(number, all, settings.records, is_stopped);
        match examined {
            Ok((of_spec, notes)) => {
                steps.extend(of_spec);
                specs.push((input.spec, notes));
            }
            Err(why) => not_examined.push(NotExamined::new(input.spec, why)),
        }
    }
    let suite = Combined::new(&specs, &steps, settings).suite(not_examined, is_stopped);
    Suite {
        is_interrupted: is_stopped(),
        ..suite
    }
}

impl NotExamined {
    pub(crate) fn new(spec: &Spec, why: String) -> Self {
        Self {
            name: spec.name.clone(),
            at: spec.at.clone(),
            why,
        }
    }
}

/// The examined steps of a spec, and notes about others.
fn of_spec<'e>(
    spec: usize,
    all: &'e [StepEvidence],
    records: usize,
    is_stopped: &dyn Fn() -> bool,
) -> Result<(Vec<ExaminedStep<'e>>, Vec<String>), String> {
    let (mut steps, mut notes) = (Vec::new(), Vec::new());
    let mut reasons = Vec::new();
    for (number, evidence) in all.iter().enumerate() {
        if is_stopped() {
            return Err("interrupted".to_owned());
        }
        let subject = Subject::new(evidence);
        match exam::examine(&subject, records, is_stopped) {
            Ok(exam) => {
                notes.extend(notes_of(&subject, &exam));
                steps.push(ExaminedStep {
                    spec,
                    number,
                    subject,
                    exam,
                });
            }
            Err(why) => reasons.push(why),
        }
    }
    match (steps.is_empty(), reasons.into_iter().next()) {
        (true, why) => Err(why.unwrap_or_else(|| "it has no step with evidence".to_owned())),
        (false, why) => {
            notes.extend(why);
            Ok((steps, notes))
        }
    }
}

fn notes_of(subject: &Subject<'_>, exam: &StepExam) -> Vec<String> {
    let mut notes = Vec::new();
    let expect = &subject.evidence.expect;
    if !expect.is_about_trace() {
        notes.push(
            "it checks only the response, so faults of its trace are not examined".to_owned(),
        );
    }
    if !expect.metrics.is_empty() {
        notes.push("`metrics` are not judged again".to_owned());
    }
    let others = exam
        .checks
        .iter()
        .filter(|check| check.effect == Effect::NotJudged);
    notes.extend(others.map(|check| {
        format!(
            "line {}: {} is not judged again",
            check.at.line(),
            check.what
        )
    }));
    if exam.left_out > 0 {
        let (left_out, judged) = (count(exam.left_out), count(exam.mutants.len()));
        notes.push(format!(
            "{left_out} faults were not judged: {judged} are a sample, because the trace is large"
        ));
    }
    if exam.interrupted > 0 {
        let faults = counted(exam.interrupted, "fault");
        notes.push(format!("{faults} not judged: interrupted"));
    }
    notes
}

/// The faults of all specs by their identity.
struct Combined<'a, 'e> {
    specs: &'a [(&'a Spec, Vec<String>)],
    steps: &'a [ExaminedStep<'e>],
    faults: BTreeMap<FaultKey, Vec<Occurrence>>,
    acceptance: Acceptance<'a>,
    extent: Extent,
    records: usize,
}

impl<'a, 'e> Combined<'a, 'e> {
    fn new(
        specs: &'a [(&'a Spec, Vec<String>)],
        steps: &'a [ExaminedStep<'e>],
        settings: ExamSettings<'a>,
    ) -> Self {
        let mut faults: BTreeMap<FaultKey, Vec<Occurrence>> = BTreeMap::new();
        for (step, examined) in steps.iter().enumerate() {
            for (number, (mutant, _)) in examined.exam.mutants.iter().enumerate() {
                if counts(mutant, settings.which) {
                    let key = key(specs[examined.spec].0, examined, mutant);
                    faults.entry(key).or_default().push((step, number));
                }
            }
        }
        let project = settings.ignored.iter().map(|entry| (Owner::Project, entry));
        let of_specs = specs.iter().enumerate().flat_map(|(number, (spec, _))| {
            let entries = spec.ignored_faults.iter();
            entries.map(move |entry| (Owner::Spec(number), entry))
        });
        Self {
            specs,
            steps,
            faults,
            acceptance: Acceptance::new(project.chain(of_specs), steps),
            extent: settings.extent,
            records: settings.records,
        }
    }

    fn mutant(&self, (step, number): Occurrence) -> &'a (Mutant, Fate) {
        &self.steps[step].exam.mutants[number]
    }

    fn is_caught(&self, at: Occurrence) -> bool {
        self.mutant(at).1 != Fate::Missed
    }

    fn suite(self, not_examined: Vec<NotExamined>, is_stopped: &dyn Fn() -> bool) -> Suite {
        let ignored = self.ignored();
        let (mut score, mut missed) = (SpecScore::default(), Vec::new());
        let mut errored = 0;
        for (key, all) in &self.faults {
            let is_caught = all.iter().any(|&at| self.is_caught(at));
            if ignored.contains(key) {
                continue;
            }
            score.counted += 1;
            let fails = |at: &Occurrence| self.mutant(*at).1 == Fate::Caught;
            errored += usize::from(is_caught && !all.iter().any(fails));
            match is_caught {
                true => score.caught += 1,
                false => missed.push((key, all)),
            }
        }
        let is_project_known = self.extent == Extent::Project && not_examined.is_empty();
        Suite {
            score,
            errored,
            is_interrupted: false,
            missed: self.places(missed, is_stopped),
            specs: self.examined(&ignored),
            not_examined,
            idle: self.idle(),
            ignored: ignored.len(),
            unused: self.acceptance.unused(is_project_known),
            judged: self.steps.iter().map(|step| step.exam.mutants.len()).sum(),
            left_out: self.steps.iter().map(|step| step.exam.not_judged()).sum(),
        }
    }

    /// The missed faults that are accepted.
    fn ignored(&self) -> HashSet<&FaultKey> {
        let missed = self.faults.iter();
        let missed = missed.filter(|(_, all)| !all.iter().any(|&at| self.is_caught(at)));
        let ignored = missed.filter(|(_, all)| all.iter().any(|&at| self.acceptance.accepts(at)));
        ignored.map(|(key, _)| key).collect()
    }

    fn examined(&self, ignored: &HashSet<&FaultKey>) -> Vec<ExaminedSpec> {
        let mut scores = vec![SpecScore::default(); self.specs.len()];
        let counted = self.faults.iter().filter(|(key, _)| !ignored.contains(key));
        for (_, all) in counted {
            let mut of_specs: BTreeMap<usize, bool> = BTreeMap::new();
            for &at in all {
                *of_specs.entry(self.steps[at.0].spec).or_default() |= self.is_caught(at);
            }
            for (spec, is_caught) in of_specs {
                scores[spec].counted += 1;
                scores[spec].caught += usize::from(is_caught);
            }
        }
        let specs = self.specs.iter().zip(scores);
        let specs = specs.map(|((spec, notes), score)| ExaminedSpec {
            name: spec.name.clone(),
            at: spec.at.clone(),
            score,
            notes: notes.clone(),
        });
        specs.collect()
    }

    /// The missed faults by place, each in the spec that notices most of that place.
    fn places(
        &self,
        missed: Vec<(&FaultKey, &Vec<Occurrence>)>,
        is_stopped: &dyn Fn() -> bool,
    ) -> Vec<FaultsOfPlace> {
        let mut known: HashMap<(&Place, usize), usize> = HashMap::new();
        for ((place, ..), all) in &self.faults {
            for &at in all.iter().filter(|at| self.is_caught(**at)) {
                *known.entry((place, at.0)).or_default() += 1;
            }
        }
        let mut groups: BTreeMap<(&Place, usize), Vec<&'a Mutant>> = BTreeMap::new();
        for ((place, ..), all) in missed {
            let caught = |at: &&Occurrence| known.get(&(place, at.0)).copied().unwrap_or_default();
            // Of equals, the first.
            let chosen = all.iter().rev().max_by_key(caught);
            if let Some(&at) = chosen {
                groups
                    .entry((place, at.0))
                    .or_default()
                    .push(&self.mutant(at).0);
            }
        }
        let groups = groups.into_iter();
        let mut effort = Effort::new(self.records, is_stopped);
        let mut places: Vec<FaultsOfPlace> = groups
            .map(|((_, step), mutants)| self.place(&self.steps[step], mutants, &mut effort))
            .collect();
        places.sort_by_key(|place| {
            let worst = place.faults.first().map(|fault| fault.kind);
            (worst, std::cmp::Reverse(place.faults.len()))
        });
        places
    }

    fn place(
        &self,
        step: &ExaminedStep<'_>,
        mut mutants: Vec<&Mutant>,
        effort: &mut Effort<'_>,
    ) -> FaultsOfPlace {
        mutants.sort_by_key(|mutant| mutant.kind);
        let remedy = remedy(&step.subject, &mutants, effort);
        let covers = remedy.as_ref().map(|remedy| &remedy.covers);
        let faults = mutants.iter().enumerate().map(|(at, mutant)| Fault {
            kind: mutant.kind,
            what: mutant.what.clone(),
            equal: mutant.equal,
            is_covered: covers.is_some_and(|covers| covers[at]),
        });
        FaultsOfPlace {
            place: in_words(step, mutants[0].site),
            spec: self.specs[step.spec].0.name.clone(),
            at: step.subject.evidence.step.at.clone(),
            faults: faults.collect(),
            remedy: remedy.map(|remedy| remedy.text),
            span: span_of(&step.subject, mutants[0].site),
        }
    }

    /// The checks that no fault makes fail, in any case of a matrix.
    fn idle(&self) -> Vec<IdleCheck> {
        let mut idle: Vec<IdleCheck> = Vec::new();
        let mut failing: Vec<&Location> = Vec::new();
        for step in self.steps {
            for check in &step.exam.checks {
                match check.effect {
                    Effect::Fails => failing.push(&check.at),
                    Effect::NotJudged | Effect::Unknown => {}
                    Effect::None(why) => idle.push(IdleCheck {
                        spec: self.specs[step.spec].0.name.clone(),
                        what: check.what.clone(),
                        at: check.at.clone(),
                        why,
                    }),
                }
            }
        }
        idle.retain(|check| !failing.iter().any(|at| is_same_place(at, &check.at)));
        idle.dedup_by(|one, other| is_same_place(&one.at, &other.at));
        idle
    }
}

fn counts(mutant: &Mutant, which: Which) -> bool {
    match which {
        Which::Default => mutant.counted == Counted::Always,
        Which::All => mutant.counted != Counted::Never,
    }
}

fn key(spec: &Spec, step: &ExaminedStep<'_>, mutant: &Mutant) -> FaultKey {
    let place = match mutant.site {
        Site::Response => match of_trigger(&step.subject) {
            Some(place) => place,
            None => format!(
                "{} {} {}",
                spec.at.source.name(),
                spec.at.line(),
                step.number
            ),
        },
        Site::Span(tree, at) => {
            let trace = tree.of(&step.subject.evidence.trace);
            let parent = trace.parent(at).map(|at| &trace.spans()[at]);
            let parent = parent.map_or_else(String::new, span_in_words);
            let span = &trace.spans()[at];
            format!("{} {} {parent}", span_in_words(span), span.kind)
        }
        Site::Log(tree, at) => {
            let record = step.subject.log(tree, at);
            Sketches::log_group(record).unwrap_or_else(|| {
                let text = record.body.to_text();
                let text = text.replace(|one: char| one.is_ascii_digit(), "0");
                format!("{} {text}", record.service())
            })
        }
    };
    (Place(place), mutant.kind, mutant.detail.clone())
}

/// The status of the response and the operation, the same for each id: `201 to POST /orders/{}`.
fn of_trigger(subject: &Subject<'_>) -> Option<String> {
    let evidence = subject.evidence;
    let status = match &evidence.response {
        Response::Http(http) => http.status.to_string(),
        Response::Grpc(grpc) => grpc.code.to_string(),
        Response::Command(_)
        | Response::Message(_)
        | Response::Sent(_)
        | Response::Conformance(_)
        | Response::Traffic(_)
        | Response::None => {
            return None;
        }
    };
    let (method, url) = evidence.trigger.split_once(' ')?;
    let url = url.split(['?', ' ']).next().unwrap_or(url);
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = url.split_once('/').map_or("", |(_, path)| path);
    // The path of a gRPC call is that of its method.
    let has_ids = evidence.response.grpc().is_none();
    let segments = path.split('/').map(|segment| {
        let is_id = has_ids && segment.contains(|one: char| one.is_ascii_digit());
        if is_id { "{}" } else { segment }
    });
    let segments: Vec<&str> = segments.collect();
    Some(format!("{status} to {method} /{}", segments.join("/")))
}

fn span_of(subject: &Subject<'_>, site: Site) -> Option<SpanOfPlace> {
    let (tree, at) = match site {
        Site::Response => return None,
        Site::Span(tree, at) => (tree, at),
        Site::Log(tree, at) => {
            let trace = tree.of(&subject.evidence.trace);
            (tree, trace.find(trace.logs()[at].span_id?)?)
        }
    };
    let trace = subject.sketches(tree).shared_trace();
    Some(SpanOfPlace { trace, at })
}

fn span_in_words(span: &Span) -> String {
    format!("`{}` of {}", span.name, span.service())
}

/// A response without an operation.
fn of_result(response: &Response) -> &'static str {
    match response {
        Response::Command(_) => "result of the command",
        Response::Message(_) => "acknowledgement of the message",
        Response::Http(_)
        | Response::Grpc(_)
        | Response::Sent(_)
        | Response::Conformance(_)
        | Response::Traffic(_)
        | Response::None => "response",
    }
}

fn in_words(step: &ExaminedStep<'_>, site: Site) -> String {
    match site {
        Site::Response => {
            let known = of_trigger(&step.subject);
            known.map_or_else(
                || of_result(&step.subject.evidence.response).to_owned(),
                |known| format!("response {known}"),
            )
        }
        Site::Span(tree, at) => span_in_words(step.subject.span(tree, at)),
        Site::Log(tree, at) => {
            let record = step.subject.log(tree, at);
            let text = super::list::excerpt(&record.body.to_text());
            format!("log record `{text}` of {}", record.service())
        }
    }
}

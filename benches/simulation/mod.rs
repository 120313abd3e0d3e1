//! Latencies as services have them, and how often the verdicts about them are right.
//!
//! Most requests are log-normal around 120 ms; one of fifty is about six times as long. A run as a
//! whole is faster or slower by the drift of its machine.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the bench and the test that include it use a part each"
)]

use std::f64::consts::TAU;

use spanspec::internal::budget::{
    AbVerdict, Against, Alpha, Claim, ClaimVerdict, Contention, FEWEST_RUNS, Pair, PairedClaim,
    Quantile, Reference, Samples, comparable, confirmations, judge, judge_pairs, spread, spread_of,
};

/// The standard deviation of the logarithm of most requests.
const SIGMA: f64 = 0.5;

/// SplitMix64: the same numbers on every machine, and in every version of every crate.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// More than 0 and up to 1.
    pub fn share(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.share().ln()).sqrt() * (TAU * self.share()).cos()
    }

    /// The factor by which the machine slows a run.
    pub fn drift(&mut self, deviation: f64) -> f64 {
        (self.normal() * deviation).exp()
    }

    /// A run of `count` requests, each `slower` times as long.
    pub fn run(&mut self, count: usize, slower: f64) -> Samples {
        (0..count)
            .map(|_| {
                let tail = if self.share() <= 0.02 { 6.0 } else { 1.0 };
                let micros = 120_000.0 * slower * tail * (SIGMA * self.normal()).exp();
                micros as u64
            })
            .collect()
    }
}

/// Settings of a simulation.
#[derive(Clone, Copy)]
pub struct Setting {
    pub quantile: Quantile,
    pub tolerance: f64,
    pub samples: usize,
    pub slower: f64,
    pub drift: f64,
    /// Gives the baseline five runs and their drift, as a calibration does.
    pub is_calibrated: bool,
}

/// The distance between the two runs of a pair.
#[derive(Clone, Copy)]
pub enum Pairing {
    /// Close together in time: a machine drifts slowly, and both have a drift in common. Apart from
    /// that they differ by a fifth of it.
    Close,
    /// As far as any two runs: each has a drift of its own.
    Apart,
}

/// Number of comparisons, of `trials`, that were called a regression.
pub fn regressions(setting: Setting, trials: usize, random: &mut Random) -> usize {
    (0..trials)
        .filter(|_| verdict(setting, random) == ClaimVerdict::Regressed)
        .count()
}

pub fn verdict(setting: Setting, random: &mut Random) -> ClaimVerdict {
    let runs = baseline(setting, random);
    let mut before = Samples::default();
    runs.iter().for_each(|run| before.merge(run));
    let drift = random.drift(setting.drift);
    let now = random.run(setting.samples, drift * setting.slower);
    let reference = Reference {
        tolerance: setting.tolerance,
        spread: match setting.is_calibrated {
            true => spread(&runs),
            false => 0.0,
        },
        ..Reference::new(&before)
    };
    let claim = Claim {
        subject: String::new(),
        quantile: setting.quantile,
        candidate: &now,
        late: None,
        against: Against::Baseline(reference),
    };
    judge(&[claim], Alpha::FIVE_PERCENT)[0].verdict
}

fn baseline(setting: Setting, random: &mut Random) -> Vec<Samples> {
    let runs = if setting.is_calibrated {
        FEWEST_RUNS
    } else {
        1
    };
    (0..runs)
        .map(|_| {
            let drift = random.drift(setting.drift);
            random.run(setting.samples, drift)
        })
        .collect()
}

/// The same for the rule that is not ours: a quantile of samples rose by more than 20 %.
pub fn naive_alarms(setting: Setting, trials: usize, random: &mut Random) -> usize {
    (0..trials)
        .filter(|_| {
            let mut quantile = |slower: f64| {
                let drift = random.drift(setting.drift);
                let run = random.run(setting.samples, drift * slower);
                run.quantile(setting.quantile).unwrap_or_default()
            };
            let before = quantile(1.0);
            quantile(setting.slower) > 1.2 * before
        })
        .count()
}

/// Number of comparisons by five pairs of runs, of `trials`, that were called a regression.
pub fn ab_regressions(
    setting: Setting,
    pairing: Pairing,
    trials: usize,
    random: &mut Random,
) -> usize {
    let (common, own) = match pairing {
        Pairing::Close => (setting.drift, setting.drift / 5.0),
        Pairing::Apart => (0.0, setting.drift),
    };
    (0..trials)
        .filter(|_| {
            let runs: Vec<(Samples, Samples)> = (0..5)
                .map(|_| {
                    let drift = random.drift(common);
                    let mut run = |slower: f64| {
                        let drift = drift * random.drift(own);
                        random.run(setting.samples, drift * slower)
                    };
                    (run(1.0), run(setting.slower))
                })
                .collect();
            let claim = PairedClaim {
                subject: String::new(),
                quantile: setting.quantile,
                tolerance: setting.tolerance,
                pairs: runs
                    .iter()
                    .map(|(a, b)| Pair {
                        a: a.into(),
                        b: b.into(),
                    })
                    .collect(),
            };
            let judged = judge_pairs(&[claim]).remove(0);
            judged.is_ok_and(|found| found.verdict == AbVerdict::Regressed)
        })
        .count()
}

/// A machine of two cores, on one of which another process is busy half of the time.
pub struct BusyMachine<'a> {
    random: &'a mut Random,
    is_busy: bool,
    /// The rest of the episode, in seconds.
    left: f64,
}

/// The mean length of an episode, in seconds.
const EPISODE: f64 = 2.0;

/// The median time of a request, in seconds.
const REQUEST: f64 = 0.02;

/// The factor by which the other process slows a request.
const SLOWED: f64 = 1.4;

/// The pauses before a run is confirmed, and between the runs of a calibration.
const PAUSES: [f64; 2] = [5.0, 10.0];

/// The knowledge of a run about the other process.
#[derive(Clone, Copy)]
pub enum Neighbour {
    /// Its CPU time, as on Linux.
    Measured,
    /// Nothing, because it is in another container.
    Hidden,
}

impl<'a> BusyMachine<'a> {
    pub fn new(random: &'a mut Random) -> Self {
        let is_busy = random.share() < 0.5;
        let mut machine = Self {
            random,
            is_busy,
            left: 0.0,
        };
        machine.next_episode();
        machine
    }

    fn next_episode(&mut self) {
        self.left = -EPISODE * self.random.share().ln();
    }

    /// Lets time pass. Returns the part in which the other process was busy.
    fn pass(&mut self, mut seconds: f64) -> f64 {
        let mut busy = 0.0;
        loop {
            let part = seconds.min(self.left);
            busy += if self.is_busy { part } else { 0.0 };
            self.left -= part;
            seconds -= part;
            if seconds <= 0.0 {
                return busy;
            }
            self.is_busy = !self.is_busy;
            self.next_episode();
        }
    }

    /// A run after a pause, and the cores that the other process used.
    fn run(&mut self, setting: Setting, slower: f64, pause: f64) -> (Samples, f64) {
        self.pass(pause);
        let (mut all, mut busy) = (0.0, 0.0);
        let samples = (0..setting.samples)
            .map(|_| {
                let tail = if self.random.share() <= 0.02 {
                    6.0
                } else {
                    1.0
                };
                let time = REQUEST * slower * tail * (SIGMA * self.random.normal()).exp();
                let time = if self.is_busy { SLOWED * time } else { time };
                busy += self.pass(time);
                all += time;
                (1e6 * time) as u64
            })
            .collect();
        (samples, busy / all)
    }

    /// Returns `true` if a comparison with a baseline fails. A run that exceeds the limit is repeated
    /// `most` times at most.
    fn fails(&mut self, setting: Setting, neighbour: Neighbour, most: usize) -> bool {
        let count = if setting.is_calibrated {
            FEWEST_RUNS
        } else {
            1
        };
        let [confirm, calibrate] = PAUSES;
        let runs: Vec<_> = (0..count)
            .map(|_| self.run(setting, 1.0, calibrate))
            .collect();
        let seen = |used: f64| match neighbour {
            Neighbour::Measured => Some(used),
            Neighbour::Hidden => None,
        };
        let spread = spread_of(runs.iter().map(|(run, used)| (run, seen(*used))), 2);
        self.pass(600.0);
        let mut is_proven = false;
        let mut evidence = Vec::new();
        for _ in 0..=most {
            let (now, used) = self.run(setting, setting.slower, confirm);
            let near = comparable(&runs, |(_, used)| seen(*used), seen(used), 2);
            let mut before = Samples::default();
            near.iter().for_each(|(run, _)| before.merge(run));
            let contention = Contention {
                before: near.iter().map(|(_, used)| used).sum::<f64>() / near.len() as f64,
                now: used,
                cores: 2,
            };
            let reference = Reference {
                tolerance: setting.tolerance,
                spread,
                contention: match neighbour {
                    Neighbour::Measured => Some(contention),
                    Neighbour::Hidden => None,
                },
                ..Reference::new(&before)
            };
            let claim = Claim {
                subject: String::new(),
                quantile: setting.quantile,
                candidate: &now,
                late: None,
                against: Against::Baseline(reference),
            };
            let judged = &judge(&[claim], Alpha::FIVE_PERCENT)[0];
            evidence.push(judged.evidence(0));
            if confirmations(&evidence).is_none() {
                return false;
            }
            is_proven |= judged.exceeds();
        }
        is_proven
    }
}

/// Number of comparisons, of `trials`, that fail beside a busy process. A run that exceeds the limit is
/// repeated `most` times at most.
pub fn failures_beside(
    setting: Setting,
    neighbour: Neighbour,
    most: usize,
    trials: usize,
    random: &mut Random,
) -> usize {
    let fails = |_: &usize| BusyMachine::new(random).fails(setting, neighbour, most);
    (0..trials).filter(fails).count()
}

//! Several lives of one database, each ended by another kind of crash: what is left is opened and goes on.

use std::sync::Arc;

use stroma_lsm::Database;
use stroma_strata::storage::{Fault, FaultPlan, MemoryStorage, PowerLoss};

use crate::life::{Life, Tolerance, check_image};
use crate::model::{State, Told};
use crate::random::{Random, mix};
use crate::setting::{Frame, Setting, one_of};
use crate::trace::{is_traced, trace};

/// How much is done with a seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) lives: u64,
    /// The most steps of a life.
    pub(crate) steps: u64,
    /// The most steps of one life in sixteen.
    pub(crate) long_steps: u64,
    /// Of so many operations before one power is lost beside the main line; 1 for every one of them.
    pub(crate) image_every: u64,
    /// Whether syncs say that they were done and were not, which has to be noticed.
    pub(crate) lying: bool,
}

/// What happened, so that a test can see that it tests something.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Report {
    pub(crate) lives: u64,
    pub(crate) failed_openings: u64,
    pub(crate) side_images: u64,
    pub(crate) errors: u64,
    pub(crate) poisonings: u64,
    pub(crate) flushes: u64,
    pub(crate) merges: u64,
    pub(crate) sheddings: u64,
    pub(crate) conflicts: u64,
    pub(crate) followed: u64,
    pub(crate) copies: u64,
}

impl Report {
    pub(crate) fn add(&mut self, other: Report) {
        self.lives += other.lives;
        self.failed_openings += other.failed_openings;
        self.side_images += other.side_images;
        self.errors += other.errors;
        self.poisonings += other.poisonings;
        self.flushes += other.flushes;
        self.merges += other.merges;
        self.sheddings += other.sheddings;
        self.conflicts += other.conflicts;
        self.followed += other.followed;
        self.copies += other.copies;
    }
}

/// What is on the storage between two lives, and what has to be.
struct Left {
    storage: MemoryStorage,
    told: Told,
    /// The state of `told` that must be there.
    least: usize,
    /// Whether all that is there is on the device: power was lost, and the rest with it.
    is_durable: bool,
}

/// Which faults strike a life.
fn draw_faults(fate: &mut Random, first: u64) -> (FaultPlan, Tolerance) {
    let some = |fate: &mut Random, count: u64, fault: &dyn Fn(&mut Random) -> Fault| {
        (0..count).fold(FaultPlan::new(), |plan, _| {
            let span = one_of(fate, &[20, 100, 400]);
            let at = first + fate.below(span);
            let fault = fault(fate);
            plan.and(at, fault)
        })
    };
    match fate.below(8) {
        0..=1 => (FaultPlan::new(), Tolerance::Nothing),
        2..=3 => (some(fate, 1, &|_| Fault::Die), Tolerance::Storage),
        4 => (some(fate, 2, &|_| Fault::Fail), Tolerance::Storage),
        5 => (some(fate, 4, &|_| Fault::Full), Tolerance::Storage),
        6 => (some(fate, 12, &|fate| Fault::FlipBit(fate.next())), Tolerance::Damage),
        // A disk that has only so much space: see `live`.
        _ => (FaultPlan::new(), Tolerance::Storage),
    }
}

/// Runs the history of `seed`.
///
/// # Panics
/// If the database breaks a promise.
pub(crate) fn run(seed: u64, extent: Extent) -> Report {
    let mut fate = Random(mix(seed));
    let mut choices = Random(mix(!seed));
    let mut report = Report::default();
    let frame = Frame::draw(seed);
    let mut left = Left {
        storage: MemoryStorage::new(),
        told: Told::since(State::default()),
        least: 0,
        is_durable: true,
    };
    for _ in 0..extent.lives {
        let setting = frame.setting(&mut fate);
        left.storage.set_mapped(setting.mapped);
        left.storage.watch(extent.image_every, fate.next());
        if extent.lying {
            let plan = (0..4000).fold(FaultPlan::new(), |plan, number| plan.and(number, Fault::FalseSync));
            left.storage.plan(plan);
        } else if fate.below(4) == 0 {
            let fault = one_of(&mut fate, &[Fault::Die, Fault::Die, Fault::Fail, Fault::Full]);
            left.storage.plan(FaultPlan::new().and(fate.below(40), fault));
        }
        if is_traced() {
            left.storage.watch(1, 0);
        }
        trace(|| format!("life {}: {setting:?}", report.lives));
        left = live(left, &setting, extent, &mut fate, &mut choices, &mut report);
        report.lives += 1;
    }
    left.storage.heal();
    left.storage.set_capacity(None);
    check_image(&left.storage, &frame.setting(&mut fate), &left.told, left.least, "at the end");
    report
}

/// One opening and what follows, up to the crash.
fn live(
    left: Left,
    setting: &Setting,
    extent: Extent,
    fate: &mut Random,
    choices: &mut Random,
    report: &mut Report,
) -> Left {
    let storage = left.storage.clone();
    let opened = Database::open_storage(Arc::new(storage.clone()), setting.options.clone());
    look_at_opening(&left, setting, report);
    let found = opened.and_then(|database| Ok((State::of(&database, setting.rules)?, database)));
    let (found, database) = match found {
        Ok(opened) => opened,
        Err(error) => {
            let corrupt = matches!(error, stroma_lsm::Error::Corrupt { .. });
            let faults = storage.faults_struck();
            assert!(!corrupt && faults > 0 && !extent.lying, "cannot open, {faults} faults: {error}");
            report.failed_openings += 1;
            return crash(&storage, left.told, left.least, fate);
        }
    };
    let found = left.told.check(&found, left.least, setting.now(), "opened again");
    let mut told = if left.is_durable { Told::since(found) } else { left.told.continued(found) };
    let mut tolerance = Tolerance::Storage;
    if !extent.lying {
        let (plan, tolerated) = draw_faults(fate, storage.operations());
        storage.heal();
        trace(|| format!("faults: {plan}"));
        storage.plan(plan);
        tolerance = tolerated;
    }
    let squeeze = (tolerance == Tolerance::Storage && fate.below(2) == 0)
        .then(|| (fate.below(extent.steps), fate.below(20), fate.below(6000)));
    let mut life = Life::new(database, &mut told, setting, &storage, choices, tolerance);
    life.verify();
    // Now and then a long one: what stays in memory leaves it only late.
    let longest = if fate.below(16) == 0 { extent.long_steps } else { extent.steps };
    let steps = 1 + fate.below(longest);
    let mut after_poisoning = 0;
    for step in 0..steps {
        if let Some((from, length, spare)) = squeeze {
            if step == from {
                storage.set_capacity(Some(storage.used_bytes() + spare));
            }
            if step == from + length {
                storage.set_capacity(None);
            }
        }
        life.step();
        after_poisoning += u32::from(life.poisoned);
        if after_poisoning > 6 || life.errors > 40 {
            break;
        }
    }
    life.verify();
    let statistics = life.database.statistics();
    report.flushes += statistics.flushes;
    report.merges += statistics.merges;
    report.sheddings += statistics.sheddings;
    report.conflicts += statistics.conflicts;
    report.side_images += life.side_images;
    report.followed += life.followed;
    report.copies += life.copies;
    report.errors += u64::from(life.errors);
    report.poisonings += u64::from(life.poisoned);
    storage.set_capacity(None);
    let (database, errors) = (life.database.clone(), life.errors);
    drop(life);
    end(&storage, database, told, errors == 0, fate)
}

/// Loses power at the moments kept while the database was opened.
fn look_at_opening(left: &Left, setting: &Setting, report: &mut Report) {
    for moment in left.storage.take_moments() {
        let loss = PowerLoss::any(mix(moment.operation));
        let context = format!("{loss:?} before operation {} of opening", moment.operation);
        trace(|| format!("opening: {} {} {}", moment.operation, moment.action, moment.name));
        check_image(&moment.storage.lose_power(loss), setting, &left.told, left.told.synced(), &context);
        report.side_images += 1;
    }
}

/// Ends a life in one of the ways in which lives end.
fn end(
    storage: &MemoryStorage,
    database: Database,
    mut told: Told,
    unharmed: bool,
    fate: &mut Random,
) -> Left {
    let way = fate.below(5);
    trace(|| format!("ends in way {way}; synced {}, buffered {}", told.synced(), told.buffered()));
    match way {
        0 => {
            if database.close().is_ok() {
                told.promise_all();
            }
        }
        1 if unharmed && storage.faults_struck() == 0 => {
            drop(database);
            // What was planned for later may have struck while it was dropped.
            if storage.faults_struck() == 0 {
                told.promise_buffered();
            }
        }
        // While the database is open; it is dropped afterwards, which changes nothing in the image.
        _ => {
            let least = told.buffered();
            return crash(storage, told, least, fate);
        }
    }
    let least = told.buffered();
    crash(storage, told, least, fate)
}

/// Kills the process or takes the power away. `least` is what must be there as long as there is power.
fn crash(storage: &MemoryStorage, told: Told, least: usize, fate: &mut Random) -> Left {
    if fate.below(3) == 0 {
        return Left { storage: storage.kill(), told, least, is_durable: false };
    }
    let least = told.synced();
    Left { storage: storage.lose_power(PowerLoss::any(fate.next())), told, least, is_durable: true }
}

//! The proleptic Gregorian calendar: from milliseconds to year, month, day and back.
//!
//! The arithmetic counts days from 1 March of year 0, so that leap days come last
//! (Hinnant, "chrono-compatible low-level date algorithms").

pub(super) const DAY: i64 = 86_400_000;

/// A moment taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) millisecond: i64,
    /// Days since 1 January 1970.
    pub(super) days: i64,
}

impl Civil {
    pub(super) fn of(millis: i64) -> Civil {
        let (days, rest) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            hour: rest / 3_600_000,
            minute: rest / 60_000 % 60,
            second: rest / 1000 % 60,
            millisecond: rest % 1000,
            days,
        }
    }

    pub(super) fn day_of_year(&self) -> i64 {
        self.days - days_from_civil(self.year, 1, 1) + 1
    }

    /// 1 is Sunday.
    pub(super) fn day_of_week(&self) -> i64 {
        (self.days + 4).rem_euclid(7) + 1
    }

    /// 1 is Monday.
    pub(super) fn iso_day_of_week(&self) -> i64 {
        (self.days + 3).rem_euclid(7) + 1
    }

    /// Weeks begin on Sunday; the days before the first Sunday are week 0.
    pub(super) fn week(&self) -> i64 {
        (self.day_of_year() - self.day_of_week() + 7) / 7
    }

    /// ISO 8601: the year that holds the Thursday of this week, and the number of the week in it.
    pub(super) fn iso_week(&self) -> (i64, i64) {
        let thursday = self.days - self.iso_day_of_week() + 4;
        let (year, ..) = civil_from_days(thursday);
        (year, (thursday - days_from_civil(year, 1, 1)) / 7 + 1)
    }
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days since 1 January 1970; the month is 1..=12, the day may be any number.
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * march_month + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468 + day - 1
}

/// Milliseconds of parts that may lie outside their usual ranges, as `$dateFromParts` allows.
pub(super) fn millis_from_parts(year: i64, month: i64, day: i64, time: i64) -> i64 {
    let months = month - 1;
    let days = days_from_civil(year + months.div_euclid(12), months.rem_euclid(12) + 1, day);
    days * DAY + time
}

pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_from_civil(next_year, next, 1) - days_from_civil(year, month, 1)
}

/// Adds months and keeps the day within the month it comes to.
pub(super) fn add_months(millis: i64, months: i64) -> i64 {
    let civil = Civil::of(millis);
    let total = civil.year * 12 + civil.month - 1 + months;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    let day = civil.day.min(days_in_month(year, month));
    millis_from_parts(year, month, day, millis.rem_euclid(DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_go_there_and_back() {
        for days in (-800_000..800_000).step_by(97) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(civil_from_days(19_782), (2024, 2, 29));
    }

    #[test]
    fn weeks() {
        let civil = Civil::of(days_from_civil(2016, 1, 3) * DAY);
        assert_eq!((civil.day_of_week(), civil.iso_day_of_week(), civil.week()), (1, 7, 1));
        assert_eq!(civil.iso_week(), (2015, 53));
        assert_eq!(Civil::of(days_from_civil(2024, 12, 30) * DAY).iso_week(), (2025, 1));
    }

    #[test]
    fn months_keep_the_day_in_range() {
        let january = days_from_civil(2024, 1, 31) * DAY;
        assert_eq!(Civil::of(add_months(january, 1)).day, 29);
        assert_eq!(Civil::of(add_months(january, -2)).month, 11);
    }
}

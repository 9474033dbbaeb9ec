// Package walscan reads which series are in the head of a Prometheus TSDB: the
// newest samples, which no block has yet.
//
// In goes the data directory, of which it only reads wal and wbl: the last
// checkpoint, the segments after it, and the out-of-order samples. Out comes
// every series that has samples there, each one once and sorted, with the
// times of its first and last sample and how many it got lately.
//
// A Prometheus may be running on the directory. Nothing is locked or written.
// All files are opened at once and read up to the size that they had then, so
// it does not matter that Prometheus appends to them, or deletes them after it
// has written a block. A record that is only half there is where the head ends.
// Whoever reads blocks as well reads the head first: then a block that
// Prometheus makes of it meanwhile is found too.
//
// # What is skipped
//
// Prometheus writes the samples of a scrape as one record, and those records
// are nearly all of the log. Of the records of a target one in five minutes is
// decoded, as long as they come at least every 100 seconds and have the same
// length, thus the same series. The others are only looked at: the kind of a
// record, its first series, its time and its length are known without
// decompressing it, but for zstd. Always decoded are the last six minutes, the
// checkpoint, the out-of-order log, and the records right after new series.
// If a series turns up without any sample then, everything is decoded.
//
//   - Which series there are, and their labels: exact.
//   - To, and From without out-of-order samples: exact.
//   - Last and Stale of a series that had a sample in the last six minutes:
//     exact. So what is live within five minutes (tsdbscan.Lookback) is exact.
//   - Last of a series that ended before: never too late, and up to five
//     minutes early. Its stale marker may be missed: Stale is false then.
//   - A series with more than 100 seconds between its samples: as exact as if
//     all was decoded, as its records are. So three of its intervals are.
//   - First: exact. A series that came back under the same reference within five
//     minutes counts as if it had not been away.
//   - Samples and Recent: exact as long as the records that were skipped have
//     the series of those decoded before and after.
//   - Lost and LostUntil: exact.
//
// The exception is a log in which records of different series have the same
// first one and the same length within five minutes. Senders that mix series at
// random (remote write) differ in both.
//
// # Memory
//
// About 32 bytes and 4 for each label of a series, 13 for its reference while
// the log is read, the text of each distinct label name and value once, and
// the longest record.
package walscan

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
package walscan

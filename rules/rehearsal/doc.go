// Package rehearsal replays consumers over stored data by Prometheus's own
// engine, once as the data is and once as it would look had a set of relabel
// rules been active, and compares. In goes a sentei.Report with its consumers,
// the changes to rehearse and the data to replay over; out comes a Result that
// says for every consumer whether it saw a difference, and because of which
// change.
//
// Equality on past data is no proof. It is the second net below the static
// proof of package rules, and the only one for rules that people write
// themselves. What could not be replayed is counted with its reason, and never
// passes for "no difference".
//
// Reading order: rehearsal.go (the run), change.go (what is rehearsed), view.go,
// plan.go and collide.go (storage as it would look), touch.go and asked.go (who can notice),
// subject.go and template.go (what is replayed), instants.go (when), replay.go
// and compare.go (the comparison), bisect.go (whose fault it is), cutover.go
// (what shows when it is deployed), aggregation.go, recorded.go and measure.go
// (aggregates, whose error is measured), finish.go and result.go.
package rehearsal

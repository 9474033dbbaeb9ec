package walscan

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/tsdb/encoding"
	"github.com/prometheus/prometheus/tsdb/record"
)

// Metadata is what Prometheus knows of a metric when it writes metadata to its
// log.
type Metadata struct {
	Type, Unit, Help string
}

// addMetadata takes over the metadata of a record. What comes last counts.
func (c *collector) addMetadata(rec []byte) error {
	d := encoding.Decbuf{B: rec[1:]}
	for d.Len() > 0 {
		ref := d.Uvarint64()
		kind := d.Byte()
		var unit, help []byte
		for n := d.Uvarint(); n > 0 && d.Err() == nil; n-- {
			switch name, text := d.UvarintBytes(), d.UvarintBytes(); string(name) {
			case "UNIT":
				unit = text
			case "HELP":
				help = text
			}
		}
		if d.Err() != nil {
			return d.Err()
		}
		c.describe(ref, kind, unit, help)
	}
	return nil
}

// describe takes over the metadata of a series for its metric.
func (c *collector) describe(ref uint64, kind byte, unit, help []byte) {
	place, ok := c.refs.find(ref)
	if !ok {
		return
	}
	s := c.series.at(uint32(place))
	name, ok := c.nameOf(s)
	if !ok {
		return
	}
	m := Metadata{}
	if t := record.ToMetricType(kind); t != model.MetricTypeUnknown {
		m.Type = string(t)
	}
	if old, ok := c.metadata[name]; ok && old.Type == m.Type && old.Unit == string(unit) && old.Help == string(help) {
		return
	}
	m.Unit, m.Help = string(unit), string(help)
	c.metadata[name] = m
}

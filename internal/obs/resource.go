package obs

import (
	"database/sql"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Build tells which release runs.
func (m *Metrics) Build(version string) {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "ab2d_build_info", Help: "1, with the release as a label.", ConstLabels: prometheus.Labels{"version": version}})
	g.Set(1)
	m.registry.MustRegister(g)
}

// Pools tells of the connections to the database, by the name of the pool.
func (m *Metrics) Pools(pools map[string]*sql.DB) {
	for name, pool := range pools {
		m.registry.MustRegister(collectors.NewDBStatsCollector(pool, name))
	}
}

// Disk tells how full the file system of a directory is. The volume is the label. What
// the system does not tell is left out.
func (m *Metrics) Disk(volume, path string) {
	labels := prometheus.Labels{"volume": volume}
	m.registry.MustRegister(diskCollector{path: path,
		size: prometheus.NewDesc("ab2d_disk_size_bytes", "Size of the file system that has the directory.", nil, labels),
		free: prometheus.NewDesc("ab2d_disk_free_bytes", "Bytes that can still be written there.", nil, labels)})
}

type diskCollector struct {
	path       string
	size, free *prometheus.Desc
}

// Describe is prometheus.Collector's.
func (d diskCollector) Describe(c chan<- *prometheus.Desc) { c <- d.size; c <- d.free }

// Collect is prometheus.Collector's.
func (d diskCollector) Collect(c chan<- prometheus.Metric) {
	size, free, err := disk(d.path)
	if err != nil {
		return
	}
	c <- prometheus.MustNewConstMetric(d.size, prometheus.GaugeValue, float64(size))
	c <- prometheus.MustNewConstMetric(d.free, prometheus.GaugeValue, float64(free))
}

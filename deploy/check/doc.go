// Package check tests what is under deploy: that the alerts and the dashboard name
// metrics that servers have, that each alert fires when it should, and that Kubernetes
// would take the manifests. It is a module of its own, because the libraries of
// Prometheus and Kubernetes are larger than the program.
//
//   - scrape_test.go     metrics of real servers
//   - alerts_test.go     deploy/prometheus and deploy/grafana
//   - picture_test.go    a picture of the dashboard, from what a server recorded
//   - faults_test.go     what the alerts are for
//   - kubernetes_test.go  deploy/kubernetes
//   - autoscale_test.go  deploy/kubernetes-autoscale
package check

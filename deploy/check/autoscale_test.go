package check

import (
	"slices"
	"testing"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	kustomize "sigs.k8s.io/kustomize/api/types"
)

// TestAutoscale: the workers are what is scaled, by a metric that servers have and that
// the rule for the adapter gives.
func TestAutoscale(t *testing.T) {
	const dir = "../kubernetes-autoscale"
	var k kustomize.Kustomization
	decode(t, "kustomization.yaml", file(t, dir, "kustomization.yaml"), &k)
	if !slices.Equal(k.Resources, []string{"../kubernetes", "autoscale.yaml"}) || len(k.Patches) != 1 {
		t.Errorf("%v, %v", k.Resources, k.Patches)
	}
	var scaler autoscaling.HorizontalPodAutoscaler
	decode(t, "autoscale.yaml", file(t, dir, "autoscale.yaml"), &scaler)
	target := scaler.Spec.ScaleTargetRef
	d, ok := read(t)[target.Kind+" "+target.Name].(*apps.Deployment)
	if !ok || target.APIVersion != d.APIVersion || k.Patches[0].Target.Name != d.Name || *scaler.Spec.MinReplicas != *d.Spec.Replicas || scaler.Spec.MaxReplicas <= *d.Spec.Replicas {
		t.Errorf("it scales %v, which is %v", target, d)
	}
	if len(scaler.Spec.Metrics) != 1 || scaler.Spec.Metrics[0].External == nil {
		t.Fatalf("it scales by %v", scaler.Spec.Metrics)
	}
	metric := scaler.Spec.Metrics[0].External
	if metric.Target.Type != autoscaling.ValueMetricType || metric.Target.Value.Sign() <= 0 {
		t.Errorf("the target is %v", metric.Target)
	}
	var adapter struct {
		ExternalRules []struct {
			SeriesQuery  string          `json:"seriesQuery"`
			Resources    map[string]bool `json:"resources"`
			Name         struct{ As string }
			MetricsQuery string `json:"metricsQuery"`
		} `json:"externalRules"`
	}
	decode(t, "adapter.yml", file(t, "../prometheus", "adapter.yml"), &adapter)
	if len(adapter.ExternalRules) != 1 || adapter.ExternalRules[0].Name.As != metric.Metric.Name {
		t.Fatalf("the adapter gives %v, and the workers are scaled by %s", adapter.ExternalRules, metric.Metric.Name)
	}
	all := scrape(t)
	checkSelectors(t, all, adapter.ExternalRules[0].SeriesQuery)
	checkSelectors(t, all, adapter.ExternalRules[0].MetricsQuery)
}

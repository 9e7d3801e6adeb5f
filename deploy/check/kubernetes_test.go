package check

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	kustomize "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// manifests are what kustomize applies, by kind and name.
type manifests map[string]any

// read decodes every manifest strictly: a field that Kubernetes does not know is an
// error.
func read(t *testing.T) manifests {
	t.Helper()
	const dir = "../kubernetes"
	var k kustomize.Kustomization
	decode(t, filepath.Join(dir, "kustomization.yaml"), file(t, dir, "kustomization.yaml"), &k)
	present, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(present) != len(k.Resources)+1 {
		t.Errorf("kustomization.yaml names %d resources, and %d files are there: %v", len(k.Resources), len(present)-1, err)
	}
	if len(k.Images) != 1 || k.Images[0].NewTag == "" || k.Images[0].NewTag == "latest" || k.Namespace != "ab2d" {
		t.Errorf("the image is %v, the namespace %q", k.Images, k.Namespace)
	}
	all := manifests{}
	for _, name := range k.Resources {
		for _, doc := range bytes.Split(file(t, dir, name), []byte("\n---\n")) {
			var head struct {
				meta.TypeMeta   `json:",inline"`
				meta.ObjectMeta `json:"metadata"`
			}
			if err := yaml.Unmarshal(doc, &head); err != nil {
				t.Fatal(name, err)
			}
			object := empty(head.APIVersion + " " + head.Kind)
			if object == nil {
				t.Errorf("%s: %s %s is not tested", name, head.APIVersion, head.Kind)
				continue
			}
			decode(t, name, doc, object)
			all[head.Kind+" "+head.Name] = object
		}
	}
	return all
}

// empty is a value of Kubernetes' own type for a kind.
func empty(kind string) any {
	switch kind {
	case "v1 Namespace":
		return &core.Namespace{}
	case "v1 ConfigMap":
		return &core.ConfigMap{}
	case "v1 Service":
		return &core.Service{}
	case "apps/v1 Deployment":
		return &apps.Deployment{}
	case "batch/v1 Job":
		return &batch.Job{}
	case "policy/v1 PodDisruptionBudget":
		return &policy.PodDisruptionBudget{}
	case "networking.k8s.io/v1 NetworkPolicy":
		return &networking.NetworkPolicy{}
	}
	return nil
}

func file(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(t *testing.T, name string, b []byte, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict(b, into); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// TestKubernetes: what is applied is of Kubernetes' types, and each pod is restricted,
// has its secrets by reference, and is watched and protected.
func TestKubernetes(t *testing.T) {
	all := read(t)
	pods := map[string]core.PodTemplateSpec{}
	for name, o := range all {
		switch o := o.(type) {
		case *apps.Deployment:
			pods[name] = o.Spec.Template
			checkDeployment(t, all, o)
		case *batch.Job:
			pods[name] = o.Spec.Template
		}
	}
	if len(pods) != 3 {
		t.Errorf("there are %d kinds of pods", len(pods))
	}
	for name, pod := range pods {
		checkPod(t, name, &pod)
	}
	settings := all["ConfigMap ab2d"].(*core.ConfigMap)
	for key, value := range settings.Data {
		if !strings.HasPrefix(key, "AB2D_") || strings.Contains(value, ":secret@") || strings.Contains(strings.ToLower(key), "password") {
			t.Errorf("the setting %s=%s", key, value)
		}
	}
	deny := all["NetworkPolicy ab2d-deny"].(*networking.NetworkPolicy)
	if len(deny.Spec.PodSelector.MatchLabels) != 0 || len(deny.Spec.PolicyTypes) != 2 || deny.Spec.Ingress != nil || deny.Spec.Egress != nil {
		t.Error("the policy ab2d-deny allows something")
	}
}

// checkDeployment looks for what goes with it: probes of the process, a disruption
// budget and a network policy for its pods.
func checkDeployment(t *testing.T, all manifests, d *apps.Deployment) {
	t.Helper()
	labels := d.Spec.Template.Labels
	if !selects(d.Spec.Selector, labels) || *d.Spec.Replicas < 2 {
		t.Errorf("%s: the selector does not select its pods, or there is one replica", d.Name)
	}
	budget, ok := all["PodDisruptionBudget "+d.Name].(*policy.PodDisruptionBudget)
	if !ok || !selects(budget.Spec.Selector, labels) {
		t.Errorf("%s has no disruption budget", d.Name)
	}
	c := d.Spec.Template.Spec.Containers[0]
	for what, p := range map[string]*core.Probe{"/health/live": c.LivenessProbe, "/health": c.ReadinessProbe} {
		if p == nil || p.HTTPGet == nil || p.HTTPGet.Path != what || p.HTTPGet.Port.StrVal != c.Ports[0].Name {
			t.Errorf("%s has no probe of %s", d.Name, what)
		}
	}
	guard, ok := all["NetworkPolicy "+d.Name].(*networking.NetworkPolicy)
	if !ok || !selects(&guard.Spec.PodSelector, labels) || guard.Spec.Ingress[0].Ports[0].Port.IntVal != c.Ports[0].ContainerPort {
		t.Errorf("%s: nobody reaches its port", d.Name)
	}
	if s, ok := all["Service ab2d"].(*core.Service); d.Name == "ab2d-api" && (!ok || !selects(&meta.LabelSelector{MatchLabels: s.Spec.Selector}, labels) ||
		s.Spec.Ports[0].TargetPort.StrVal != c.Ports[0].Name) {
		t.Error("the service does not lead to the API")
	}
	// Its own address of --drain and 10 seconds for answers under way.
	if grace := d.Spec.Template.Spec.TerminationGracePeriodSeconds; grace == nil || *grace < 30 {
		t.Errorf("%s is killed too early", d.Name)
	}
	if port := d.Spec.Template.Annotations["prometheus.io/port"]; !slices.ContainsFunc(c.Args, func(a string) bool { return strings.HasSuffix(a, "=:"+port) }) {
		t.Errorf("%s does not listen where Prometheus asks", d.Name)
	}
}

func selects(s *meta.LabelSelector, labels map[string]string) bool {
	selector, err := meta.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(set(labels))
}

// set is labels.Labels of apimachinery.
type set map[string]string

func (s set) Has(l string) bool              { _, ok := s[l]; return ok }
func (s set) Get(l string) string            { return s[l] }
func (s set) Lookup(l string) (string, bool) { v, ok := s[l]; return v, ok }

// checkPod is Kubernetes' profile "restricted", a read-only root, and no literal secret.
func checkPod(t *testing.T, name string, pod *core.PodTemplateSpec) {
	t.Helper()
	p := pod.Spec.SecurityContext
	if p == nil || p.RunAsNonRoot == nil || !*p.RunAsNonRoot || p.RunAsUser == nil || *p.RunAsUser == 0 || p.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault ||
		pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
		t.Errorf("%s runs as root, without seccomp, or with a token of Kubernetes", name)
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		s := c.SecurityContext
		if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
			!slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) {
			t.Errorf("%s: the container is not restricted", name)
		}
		if c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s has no requests and limits", name)
		}
		for _, e := range c.Env {
			if e.Value != "" || e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil {
				t.Errorf("%s: %s is not a reference to a secret", name, e.Name)
			}
		}
		for _, m := range c.VolumeMounts {
			if !slices.ContainsFunc(pod.Spec.Volumes, func(v core.Volume) bool { return v.Name == m.Name }) {
				t.Errorf("%s has no volume %s", name, m.Name)
			}
		}
	}
}

// The programs of a control plane in one: the first argument says which.
//
// They share nearly everything they are made of, so that one program links in the time of one and
// takes the room of one. Helm's code is a program and no library; it is built beside this one, as
// the tool that go.mod names.
package main

import (
	"fmt"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	// Servers count their own requests and name their version only where these are linked in.
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	if len(os.Args) < 2 {
		fail("which program?")
	}
	// Each of them takes what comes first for its own name.
	os.Args = os.Args[1:]
	switch os.Args[0] {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(manager.NewControllerManagerCommand()))
	case "kubectl":
		// Alone among them it words its errors itself.
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			util.CheckErr(err)
		}
	default:
		fail(fmt.Sprintf("there is no program %q", os.Args[0]))
	}
}

func fail(why string) {
	fmt.Fprintf(os.Stderr, "control-plane: %s\n"+
		"usage: control-plane etcd|kube-apiserver|kube-controller-manager|kubectl ARGS\n", why)
	os.Exit(2)
}

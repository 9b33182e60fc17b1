package org.kvmdev.testkit.conformance;

import java.io.ByteArrayInputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.Host;

/** The machine that third parties' devices are checked on, where their jar ships none. */
final class NeutralHost {
  private NeutralHost() {}

  /** A host of the provider's first architecture, which has none of the kernel's own types. */
  static Host of(DeviceProvider provider, ByteOrder order) {
    String endian = order == ByteOrder.LITTLE_ENDIAN ? "little" : "big";
    String architecture = provider.architectures().stream().sorted().findFirst().orElse("testkit");
    String text =
        """
        architecture=%s
        endian=%s
        kernel=none
        ioctl.encoding=generic
        word.bits=64
        page.size=4096
        devices=
        vm.types=0
        vcpus.max=64
        vcpu.taken=EEXIST
        pins=2
        routing.chips=4
        routing.pins=256
        vm.ioctl=ENOTTY
        vcpu.ioctl=EINVAL
        kvm.ioctl=EINVAL
        cap.3=1
        cap.10=64
        cap.25=4096
        cap.54=1
        cap.66=64
        cap.70=1
        cap.77=1
        cap.89=1
        cap.98=1
        """
            .formatted(architecture, endian);
    return Host.read(
        "testkit-" + endian, new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
  }
}

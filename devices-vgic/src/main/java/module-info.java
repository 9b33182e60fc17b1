import org.jspecify.annotations.NullMarked;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.devices.vgic.VgicProvider;

/** ARM VGIC v2, v3 and ITS. */
@NullMarked
module org.kvmdev.devices.vgic {
  requires static com.google.auto.service;
  requires static org.jspecify;
  requires org.kvmdev.api;

  provides DeviceProvider with
      VgicProvider;
}

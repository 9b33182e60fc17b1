import org.jspecify.annotations.NullMarked;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.devices.mpic.MpicProvider;

/** Freescale MPIC 2.0 and 4.2. */
@NullMarked
module org.kvmdev.devices.mpic {
  requires static com.google.auto.service;
  requires static org.jspecify;
  requires org.kvmdev.api;

  provides DeviceProvider with
      MpicProvider;
}

import com.example.uart.UartProvider;
import org.kvmdev.api.DeviceProvider;

/** A 16550 UART. */
module com.example.uart {
  requires static com.google.auto.service;
  requires org.kvmdev.api;

  provides DeviceProvider with
      UartProvider;
}

#include "dataplane/classify/rtp_clock.h"

namespace fedge::classify {

RtpClock static_clock(uint8_t payload_type) {
    switch (payload_type) {
        case 0:   // PCMU
        case 3:   // GSM
        case 4:   // G723
        case 5:   // DVI4
        case 7:   // LPC
        case 8:   // PCMA
        case 9:   // G722: samples at 16 kHz, timestamps at 8 kHz
        case 12:  // QCELP
        case 15:  // G728
        case 18:  // G729
            return RtpClock::hz_8000;
        case 6: return RtpClock::hz_16000;   // DVI4
        case 10:                             // L16, stereo
        case 11: return RtpClock::hz_44100;  // L16, mono
        case 16: return RtpClock::hz_11025;  // DVI4
        case 17: return RtpClock::hz_22050;  // DVI4
        case 14:                             // MPA
        case 25:                             // CelB
        case 26:                             // JPEG
        case 28:                             // nv
        case 31:                             // H261
        case 32:                             // MPV
        case 33:                             // MP2T
        case 34: return RtpClock::hz_90000;  // H263
        default: return RtpClock::unknown;
    }
}

RtpClock nearest_clock(uint32_t timestamp_units, Duration elapsed) {
    if (elapsed <= Duration::zero()) return RtpClock::unknown;
    double measured = timestamp_units / std::chrono::duration<double>(elapsed).count();
    for (size_t i = 1; i < kRtpClockHz.size(); i++)
        if (measured > kRtpClockHz[i] * 0.96 && measured < kRtpClockHz[i] * 1.04) return static_cast<RtpClock>(i);
    return RtpClock::unknown;
}

}  // namespace fedge::classify

#include "control/certificates/openssl.h"

#include <openssl/err.h>

#include <ctime>

namespace fedge::control {

std::string openssl_reason() {
    unsigned long code = ERR_peek_last_error();
    const char* words = code ? ERR_reason_error_string(code) : nullptr;
    std::string out = words ? words : "no reason given";
    ERR_clear_error();
    return out;
}

void fail_openssl(const char* what) {
    throw std::runtime_error(std::string(what) + ": " + openssl_reason());
}

BioPtr bio_of(std::string_view text) {
    BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!bio) fail_openssl("a buffer");
    return bio;
}

std::string text_of(BIO& bio) {
    char* data = nullptr;
    long size = BIO_get_mem_data(&bio, &data);
    return {data, static_cast<size_t>(size)};
}

int64_t unix_time(const ASN1_TIME* time) {
    std::tm parts{};
    if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
    return timegm(&parts);
}

std::string name_text(const X509_NAME* name) {
    BioPtr bio(BIO_new(BIO_s_mem()));
    if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) {
        ERR_clear_error();
        return "?";
    }
    return text_of(*bio);
}

}  // namespace fedge::control
